// Enhancement only: every studio page works without it.
document.addEventListener('keydown', (event) => {
  // Ctrl+S (⌘S) saves the form one is typing in.
  if ((event.ctrlKey || event.metaKey) && event.key === 's') {
    const save = event.target.closest('form')?.querySelector('[data-save]');
    if (save) { event.preventDefault(); save.click(); }
  }
});
