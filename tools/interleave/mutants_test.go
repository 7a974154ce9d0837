package interleave

const (
	standing    = "session/standing.go"
	handout     = "session/handout.go"
	login       = "session/login.go"
	commit      = "session/commit.go"
	sessionLoad = "session/load.go"
)

var tokenMutants = []mutant{
	{
		"a token goes to a loser of the compare-and-set", []edit{{
			attempt,
			"	case err == nil:\n		return true, nil\n",
			"	case err == nil, errors.Is(err, store.ErrConflict) && a.token != nil && !a.replaces():\n		return true, nil\n",
		}},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Exchange, Exchange}},
	},
	{
		"a token is handed out at the word of a copy", []edit{{
			attempt,
			"	err = write(ctx, a.record)\n	if err != nil && !definite",
			"	if a.token == nil || a.replaces() {\n		err = write(ctx, a.record)\n	}\n	if err != nil && !definite",
		}},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Exchange}, young: true},
	},
	{
		"a replaced token gets one of a new session", []edit{{
			commit,
			"	case h.superseded != nil:\n		return fmt.Errorf(\"session: save",
			"	case false:\n		return fmt.Errorf(\"session: save",
		}},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Rotate, Late}},
	},
	{
		"a token in its grace gets a successor", []edit{
			{handout, "h.standing != current || h.passive", "h.standing != current && h.standing != lingering || h.passive"},
			{standing, "	s.current, s.seenAt, s.issuedAt = d, now, now\n", "	s.current, s.seenAt = d, now\n"},
		},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Exchange, Shown}, young: true},
	},
	{
		"an exchange overwrites the oldest token that is out", []edit{{
			standing,
			"	return -1\n",
			"	return 0\n",
		}},
		"T3",
		Config{Cache: Redis, State: Warm, Ops: []Op{Exchange, Shown, Shown}},
	},
	{
		"what is over keeps its slot", []edit{
			{standing, "	if o := &s.slots[1-i]; o.kind == slotOld && !now.Before", "	if o := &s.slots[1-i]; false && !now.Before"},
			{standing, "	} else {\n		*o = slot{}\n	}\n", "	}\n"},
		},
		"T2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Shown}},
	},
	{
		"a sibling stays good for the first place", []edit{{
			standing,
			"		o.kind = slotOld\n",
			"		o.kind = slotPending\n",
		}},
		"T2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Shown, Shown}, young: true},
	},
	{
		"a grace without an end", []edit{{
			standing,
			"	case kind == slotOld && within(s.seenAt, m.cfg.Policy.Grace, now):\n",
			"	case kind == slotOld:\n",
		}},
		"T2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Late}},
	},
	{
		"no grace", []edit{{
			standing,
			"	case kind == slotOld && within(s.seenAt, m.cfg.Policy.Grace, now):\n",
			"	case kind == slotOld && now.Before(s.seenAt):\n",
		}},
		"T3",
		Config{Cache: Redis, State: Warm, Ops: []Op{Late}},
	},
	{
		"the first use is not noted", []edit{{
			handout,
			"	case h.standing == pending:\n		return true\n	case h.passive.Load():\n",
			"	case h.passive.Load():\n",
		}},
		"T2",
		Config{Cache: Redis, State: Warm, Ops: []Op{Shown}},
	},
	{
		"a request goes on with what it finds after a conflict, whatever its token is to that", []edit{{
			attempt,
			"	f, err := h.same(r, id)\n",
			"	f := found{record: r, shown: h.presented, standing: h.standing}\n	err = h.m.decode(r.Secret, &f.secret)\n",
		}},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Rotate, Save}},
	},
	{
		"replaced tokens save", []edit{{
			sessionLoad,
			"	case then.open(), h.vouched && then != stranger && s.epoch == h.secret.epoch:\n",
			"	case then.open(), then != stranger:\n",
		}},
		"T1",
		Config{Cache: Redis, State: Warm, Ops: []Op{Rotate, Save}},
	},
	{
		"a login joins the session of another one", []edit{{
			attempt,
			"h.work.login != nil:\n		return false, h.supersede(ctx, f, h.apart(f))\n",
			"h.work.login != nil:\n",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Login}},
	},
	{
		"the second of two logins is refused", []edit{{
			attempt,
			"	case base == nil, base.User != \"\"",
			"	case base != nil, base.User != \"\"",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Login}},
	},
	{
		"a login beside another one keeps the proofs", []edit{
			{attempt, "	h.base, h.secret, h.id, h.presented, h.standing, h.doubt = nil, secret{}, ID{}", "	h.base, h.id, h.presented, h.standing, h.doubt = nil, ID{}"},
			{login, "persistent: p.AnonymousPersist}\n", "persistent: p.AnonymousPersist, proofs: s.proofs}\n"},
			{login, "	again := l.again && stored\n", "	again := l.again\n"},
		},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Rotate, Reauth}},
	},
	{
		"a login beside another one takes the values of that", []edit{{
			attempt,
			"	view, err := h.reapply(plain, plainErr, changes)\n",
			"	plain, plainErr = h.m.seal.open(f.record.ID, f.record.Data)\n	view, err := h.reapply(plain, plainErr, changes)\n",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Save, Login}},
	},
	{
		"a login beside another one does not look at the cut-off", []edit{{
			attempt,
			"	if w.login != nil {\n		if err := h.settle",
			"	if w.login != nil && w.twin.IsZero() {\n		if err := h.settle",
		}},
		"I6",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Login, RevokeUser}},
	},
	{
		"a dead token brings no values to a login", []edit{{
			login,
			"	plain, ok := h.left(f, l)\n",
			"	plain, ok := data(nil), false\n",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Login}},
	},
	{
		"a dead token brings what was saved after the login", []edit{{
			login,
			"		!f.secret.untouched || ",
			"		",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Save, Login}},
	},
	{
		"a dead token brings values to a login of a lower level", []edit{{
			login,
			" || f.secret.proofs.level() > l.Level {\n",
			" {\n",
		}},
		"T4",
		Config{Cache: Redis, State: Warm, Ops: []Op{Reauth, Login}},
	},
	{
		"a login as another ends what was signed in since", []edit{{
			commit,
			"	if d.implied {\n",
			"	if d.implied && d.id.IsZero() {\n",
		}},
		"I4",
		Config{Cache: Redis, State: Cold, Ops: []Op{Switch, Login}},
	},
	{
		"a logout is dropped with the response", []edit{{
			"session/manager.go",
			"	h.abort(ctx)\n",
			"",
		}},
		"T5",
		Config{Cache: Redis, State: Warm, Ops: []Op{LogoutAborted}},
	},
	{
		"the rotation of RevokeOthers is dropped with the response", []edit{{
			commit,
			"(h.standing == pending || h.work.renew && !h.sent.Load())",
			"h.standing == pending",
		}},
		"T5",
		Config{Cache: Redis, State: Warm, Ops: []Op{OthersAborted}},
	},
	{
		"RevokeOthers spares a login that took over its session", []edit{{
			attempt,
			"	case errors.Is(err, ErrReplaced) && h.work.renew && f.record",
			"	case errors.Is(err, ErrReplaced) && h.work.renew && h.base == nil && f.record",
		}},
		"I6",
		Config{Cache: Redis, State: Warm, Ops: []Op{Login, Others}},
	},
	{
		"copies are not authenticated", []edit{{
			"cacheddb/authenticated.go",
			"	if _, err := a.Open(nil, b[end:tag], b[tag:], b[:end]); err != nil {\n",
			"	if len(b[tag:]) == 0 {\n",
		}},
		"I7",
		Config{Cache: Redis, State: Warm, Ops: []Op{Forge, Load}},
	},
}
