package testserver

import (
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// serverUser runs the servers when root runs the tests: PostgreSQL and MariaDB refuse root. It exists on every Linux.
const serverUser = "nobody"

// attributes makes a child die with the thread that starts it, whatever ends this process, and keeps the terminal's
// Ctrl-C away from it. The child gets its user from us: one that changes it itself loses the parent-death signal.
func attributes(death os.Signal) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if signal, ok := death.(syscall.Signal); ok {
		attr.Pdeathsig = signal
	}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	uid, gid, err := serverIDs()
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, nil
}

// giveToServer makes dir the server user's own.
func giveToServer(dir string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	uid, gid, err := serverIDs()
	if err != nil {
		return err
	}
	return os.Chown(dir, uid, gid)
}

func serverIDs() (uid, gid int, err error) {
	u, err := user.Lookup(serverUser)
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

// tryLock locks the file, or fails at once where another process holds it.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
