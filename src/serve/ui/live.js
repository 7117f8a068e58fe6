// Live refresh: on a change the same page is fetched again and its <main> replaced. Every page works without this.
'use strict';

(() => {
  const QUIET_MS = 5000; // at most one refresh in this time
  let asked = false;
  let last = Date.now();

  const isBusy = () =>
    document.hidden ||
    document.querySelector('main input:focus, main details[open]') !== null ||
    String(document.getSelection()) !== '';

  async function refresh() {
    if (isBusy()) return;
    asked = false;
    last = Date.now();
    const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
    if (!answer.ok || answer.redirected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const main = fresh.querySelector('main');
    if (main) document.querySelector('main').replaceWith(document.adoptNode(main));
    document.title = fresh.title;
  }

  function watch() {
    const status = document.querySelector('#live');
    const events = new EventSource('/api/v1/stream');
    const show = (text, on) => {
      if (!status) return;
      status.textContent = text;
      status.classList.toggle('on', on);
    };
    events.onopen = () => show('live', true);
    events.onerror = () => show('reconnecting', false);
    events.onmessage = () => { asked = true; };
    setInterval(() => {
      if (asked && Date.now() - last >= QUIET_MS) refresh().catch(() => {});
    }, 1000);
  }

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('button[data-copy]');
    if (!button) return;
    const text = button.parentElement.querySelector('code').textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Press Ctrl+C';
      document.getSelection().selectAllChildren(button.parentElement.querySelector('code'));
    }
    setTimeout(() => { button.textContent = 'Copy'; }, 2000);
  });

  if (document.body.dataset.live) watch();
})();
