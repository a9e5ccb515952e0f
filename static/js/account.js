// Accounts: the address a handle makes, and passkeys. Loaded on account pages only.
const preview = document.querySelector('[data-handle-preview]');
const handle = document.querySelector('[data-handle]');
if (preview && handle) {
  const show = () => { preview.textContent = handle.value.trim().toLowerCase() || 'your-handle'; };
  handle.addEventListener('input', show);
  show();
}

const WHY = {
  NotAllowedError: 'The passkey was not used: it was cancelled, or it took too long. Try again.',
  InvalidStateError: 'This device has a passkey for this account already.',
  SecurityError: 'Passkeys need an address with a name. Open this site by its name: localhost in place of 127.0.0.1.',
};
document.addEventListener('allauth.error', (event) => {
  event.preventDefault();
  const said = document.getElementById('passkey-said');
  said.textContent = WHY[event.detail.exception.name] ?? 'This browser could not use a passkey here. Try another way.';
  said.hidden = false;
});
for (const button of document.querySelectorAll('[data-passkey]')) {
  const kind = button.dataset.passkey;
  window.allauth.webauthn.forms[`${kind}Form`]({
    ids: { [kind]: button.id, credential: button.dataset.credential, data: 'js_data', passwordless: 'id_passwordless' },
  });
}
