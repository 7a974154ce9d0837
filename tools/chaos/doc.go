// Package chaos holds load on real servers while they are killed, stopped, cut off, filled, corrupted, set back and
// demoted, and judges every answer by what had been acknowledged before the question.
//
// Two processes (each with its own connections, by way of proxies of its own) share one cache and one database. Clients
// read, write, sign in, sign out, and revoke sessions, through the net/http middleware of either process. Six figures must
// be zero whatever happens: lost acknowledged writes, resurrected sessions, sessions accepted after a revocation that
// returned nil, or after the EffectiveBy of one that is pending, answers for the wrong user, and false logouts. And no call
// of a store or a cache may outlive its context, nor a request its deadline, by more than a tenth of a second, those included
// that were never answered.
package chaos
