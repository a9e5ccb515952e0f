// Enhancement only: every page works without it.

// What is copied: a field's value, else the text, without the marks of invisible characters;
// of several messages each with its role, as in the Markdown file.
const textOf = (source) => {
  if (source.value !== undefined) return source.value;
  const plain = source.cloneNode(true);
  plain.querySelectorAll('.esc').forEach((mark) => mark.remove());
  const messages = [...plain.querySelectorAll('.message')];
  if (!messages.length) return plain.textContent;
  const texts = messages.map((message) => message.querySelector('pre').textContent);
  if (texts.length === 1) return texts[0];
  return messages.map((message, place) => {
    const role = message.querySelector('h3, h4').textContent;
    return `## ${role[0].toUpperCase()}${role.slice(1)}\n\n${texts[place]}`;
  }).join('\n\n');
};

document.addEventListener('click', async ({ target }) => {
  const copy = target.closest('[data-copy]');
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    const was = copy.textContent;
    try {
      await navigator.clipboard.writeText(textOf(source));
      copy.textContent = 'Copied';
    } catch { // a site without https has no clipboard, and a visitor may refuse it
      if (source.select) source.select(); else getSelection().selectAllChildren(source);
      copy.textContent = 'Selected: press Ctrl+C';
    }
    setTimeout(() => { copy.textContent = was; }, 1600);
  }
  if (target.closest('[data-print]')) print();
  if (target.closest('[data-theme-switch]')) {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    localStorage.setItem('theme', root.dataset.theme);
  }
});
