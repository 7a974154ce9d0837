// Without this script times are in the zone that the server guessed, and a revocation of many goes on by a button.
let language = document.documentElement.lang;
try {
  Intl.getCanonicalLocales(language);
} catch {
  language = undefined; // the browser's own
}
for (const t of document.querySelectorAll('time[datetime]')) {
  const exact = new Date(t.dateTime).toLocaleString(language, {dateStyle: 'medium', timeStyle: 'long'});
  t.title = exact;
  if ('whole' in t.dataset) t.textContent = exact;
}
document.querySelector('form[data-continue]')?.requestSubmit();
// Chromium shows a page again on the way back although it is not to be stored, and although its reader has signed out since.
addEventListener('pagehide', () => { document.body.hidden = true; });
addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });
