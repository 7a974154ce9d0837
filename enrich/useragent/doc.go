// Package useragent tells people what device a session is used on: it reads User-Agents with the expressions of the
// uap-core project, through github.com/ua-parser/uap-go, and client hints.
//
//	agents, err := useragent.New(useragent.Config{})
//	sessions, err := session.New(db, session.Config{Enrichers: []session.Enricher{agents}})
//	site := nethttp.New(sessions, nethttp.Config{ClientHints: true})
//
// Then a listed session has a Device: in full "K / Android 10 / Chrome Mobile 118.0.0.0", for lists "Chrome on Android", and
// in parts.
//
// # Client hints
//
// Chrome's User-Agent says the same on all phones: Android 10, model K. What it knows is in the Sec-CH-UA headers, if the
// adapter asks for them. Where there are hints they win:
//
//   - the model replaces K, and the device's family and brand follow it,
//   - the version of the platform replaces Android 10, Mac OS X 10.15.7 and Windows 10, which may be 11,
//   - Sec-CH-UA-Mobile tells tablets from phones,
//   - Sec-CH-UA names browsers that hide behind Chrome in the User-Agent, such as Brave and Vivaldi.
//
// Firefox and Safari send none. Nothing here is more than what the client says of itself.
//
// # Cost
//
// Nothing is done until somebody looks at sessions. The first look compiles some thousand expressions: 40 ms and 12 MB,
// once a process. A User-Agent that was not seen lately takes about a millisecond; 512 bytes that were made to take long, some
// fifteen: the expressions are matched in linear time. One that was seen takes about a microsecond.
package useragent
