package pages

import (
	"context"
	"slices"
	"time"

	"github.com/qsessions/qsessions/core/session"
)

// describe adds what enrichers know to infos, in place, until Config.DescribeTime of the page is over: clients choose their
// User-Agent, and so how long it takes to read.
func (v *view) describe(infos []session.Info) {
	if v.describeEnd.IsZero() {
		v.describeEnd = time.Now().Add(v.config.DescribeTime)
	}
	ctx, cancel := context.WithDeadline(v.context(), v.describeEnd)
	defer cancel()
	for part := range slices.Chunk(infos, scanChunk) {
		if ctx.Err() != nil {
			return
		}
		v.sessions.DescribeAll(ctx, part)
	}
}

func (v *view) described(i session.Info) session.Info {
	one := []session.Info{i}
	v.describe(one)
	return one[0]
}

// deviceOf names the device of a session that is not there any more.
func (v *view) deviceOf(i session.Info) string {
	p := Page{language: v.language}
	return p.Device(v.described(i).Device)
}
