// Enhancement only: every studio page works without it.
document.addEventListener('keydown', (event) => {
  // Ctrl+S (⌘S) saves the form one is typing in.
  if ((event.ctrlKey || event.metaKey) && event.key === 's') {
    const save = event.target.closest('form')?.querySelector('[data-save]');
    if (save) { event.preventDefault(); save.click(); }
  }
  // Ctrl+Enter (⌘Enter) tries the text one is writing.
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') {
    const attempt = event.target.closest('form')?.querySelector('[data-try]');
    if (attempt) { event.preventDefault(); attempt.click(); }
  }
});

// A form is sent once, however often its button is pressed; coming back to the page frees it again.
document.addEventListener('submit', (event) => {
  if (event.submitter?.matches('[data-download]')) return;  // the page stays
  if (event.target.dataset.sent) event.preventDefault();
  else event.target.dataset.sent = 'yes';
});
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) delete form.dataset.sent;
});

// Rows that are ticked are counted; one box in the head ticks the page.
document.addEventListener('change', ({ target }) => {
  const form = target.closest('form[data-ticks]');
  if (!form) return;
  const boxes = [...form.querySelectorAll('input[name="prompt"]')];
  if (target.matches('[data-tick-all]')) for (const box of boxes) box.checked = target.checked;
  form.querySelector('[data-ticked]').textContent = `${boxes.filter((box) => box.checked).length} selected`;
});

// What is being pressed is not replaced under the pointer: a run's page is asked for again a second later.
document.addEventListener('htmx:beforeSwap', (event) => {
  if (['batch-progress', 'answers'].includes(event.target.id) && event.target.querySelector(':active')) event.detail.shouldSwap = false;
});

// What is said while the database is away (see htmx-config) is no longer so once something is answered.
document.addEventListener('htmx:afterRequest', ({ detail }) => {
  if (detail.successful) document.getElementById('away')?.replaceChildren();
});
