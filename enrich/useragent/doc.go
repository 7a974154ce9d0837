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
//   - the version of the platform replaces Android 10 and Windows 10, which may be 11, and is the only one of macOS,
//   - Sec-CH-UA-Mobile tells tablets from phones,
//   - Sec-CH-UA names browsers that hide behind Chrome in the User-Agent, such as Brave and Vivaldi.
//
// Firefox and Safari send none. Nothing here is more than what the client says of itself.
//
// # User-Agents that do not say
//
// Without hints some devices cannot be told apart:
//
//   - Safari says the same on a Mac and on an iPad: the family is "Mac or iPad", the system "macOS or iPadOS", the kind unknown.
//     Other browsers on an iPad, which name themselves, are an iPad on iOS.
//   - Browsers on a Mac have stopped at Mac OS X 10.15.7 (Firefox at 10.15) since 2020. That version is not shown.
//   - "Windows 10" is Windows 10 or 11, and "Android 10" in Chrome any version since.
//
// # Cost
//
// Nothing is done until sessions are looked at. The first look compiles some thousand expressions: 60 ms and 15 MB,
// once a process. Of these only those are tried on a User-Agent whose names it contains, ten to thirty as a rule. One that was
// not seen lately takes some 50 microseconds; 512 bytes that were made to take long, less than a millisecond. One that was
// seen, also if it said nothing, takes less than a microsecond.
package useragent
