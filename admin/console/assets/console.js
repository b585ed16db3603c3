// console.js: copy buttons, the filter as one types, and a guard against double taps.
// Every page works without it.
(() => {
  'use strict';

  // Copy: where the clipboard cannot be written to, the text is selected instead.
  const select = (source) => {
    if ('select' in source) {
      source.focus();
      source.select();
    } else {
      getSelection().selectAllChildren(source);
    }
  };
  const copy = async (source, said) => {
    said.textContent = '';
    try {
      await navigator.clipboard.writeText('value' in source ? source.value : source.textContent);
      said.textContent = 'Copied.';
    } catch {
      select(source);
      said.textContent = 'Selected: copy it with Ctrl+C or ⌘C.';
    }
  };
  for (const button of document.querySelectorAll('button[data-copy]')) {
    const source = document.getElementById(button.dataset.copy);
    const said = document.getElementById(button.dataset.said);
    button.hidden = false;
    button.addEventListener('click', () => copy(source, said));
  }

  // A key's text does not outlive its page, not even in the browser's memory of pages that were left.
  const secret = document.querySelector('[data-secret]');
  if (secret) {
    addEventListener('pagehide', () => {
      secret.textContent = '';
      secret.value = '';
    });
  }

  // Filter as you type, among the keys of this page. Enter asks the server, which knows all of them.
  for (const input of document.querySelectorAll('input[data-filter]')) {
    const rows = [...document.querySelectorAll(`#${input.dataset.filter} tbody tr`)];
    const said = document.querySelector(`[data-filter-said="${input.dataset.filter}"]`);
    if (!said) continue;
    input.addEventListener('input', () => {
      const wanted = input.value.trim().toLowerCase();
      let shown = 0;
      for (const row of rows) {
        row.hidden = !row.dataset.find.toLowerCase().includes(wanted);
        if (!row.hidden) shown++;
      }
      said.textContent = wanted === '' ? '' :
        `${shown} of ${rows.length} on this page ${shown === 1 ? 'matches' : 'match'}. Press Enter to search all keys.`;
    });
  }

  // A double tap sends a form once: the answer to the first has the key's text, that to the second has not.
  for (const form of document.querySelectorAll('form[data-once]')) {
    let sent = false;
    form.addEventListener('submit', (event) => {
      if (sent) event.preventDefault();
      sent = true;
    });
    addEventListener('pageshow', () => { sent = false; });
  }
})();
