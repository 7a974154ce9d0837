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
// A question opens without this too, and its Cancel is a link. With it, Escape and Cancel close it where it is.
const close = (ask) => {
  ask.open = false;
  ask.querySelector('summary').focus();
};
for (const ask of document.querySelectorAll('details.ask')) {
  const question = ask.querySelector('form, .first');
  question.tabIndex = -1;
  ask.addEventListener('toggle', () => {
    if (!ask.open) return;
    for (const other of document.querySelectorAll('details.ask[open]')) if (other !== ask) other.open = false;
    question.focus();
  });
  ask.querySelector('[data-cancel]')?.addEventListener('click', (e) => {
    e.preventDefault();
    close(ask);
  });
}
addEventListener('keydown', (e) => {
  const ask = document.querySelector('details.ask[open]');
  if (e.key === 'Escape' && ask) close(ask);
});
document.querySelector('form[data-continue]')?.requestSubmit();
// Chromium shows a page again on the way back although it is not to be stored, and although its reader has signed out since.
addEventListener('pagehide', () => { document.body.hidden = true; });
addEventListener('pageshow', (e) => { if (e.persisted) location.reload(); });
