// Package chaos holds load on real servers while they are killed, stopped, cut off, filled, corrupted and set back, and
// judges every answer by what had been acknowledged before the question.
//
// Two processes (each with its own connections, by way of proxies of its own) share one cache and one database. Clients
// read, write, sign in, sign out, and revoke sessions, through the net/http middleware of either process. Six figures must
// be zero whatever happens: lost acknowledged writes, resurrected sessions, sessions accepted after a revocation that
// returned nil, or after the EffectiveBy of one that is pending, answers for the wrong user, and false logouts.
package chaos
