'use strict';
// What the page does beyond its HTML: it stays live, asks before what cannot be taken back, and is used from the keyboard.
(() => {
const $ = (selector, within = document) => within.querySelector(selector);
const words = document.body.dataset;
const live = $('#live'), state = $('#live-state');
document.documentElement.classList.add('script');

// The reader's zone: times are written by the server.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && !document.cookie.includes('zone=' + encodeURIComponent(zone))) {
  document.cookie = 'zone=' + encodeURIComponent(zone) + ';path=/;max-age=31536000;samesite=lax';
  if (document.cookie.includes('zone=') && document.documentElement.dataset.zone !== zone) location.reload();
}

// morph makes one element like another, and leaves what is the same: focus, what is open, where it is scrolled to.
// In a region with data-keep no row comes or goes: new ones are counted.
function morph(old, now, fresh) {
  if (old.nodeType !== now.nodeType || old.nodeName !== now.nodeName) { old.replaceWith(now); return; }
  if (old.nodeType !== Node.ELEMENT_NODE) { if (old.data !== now.data) old.data = now.data; return; }
  if (old === state || old.isEqualNode(now)) return;
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== 'open') old.removeAttribute(name);
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  let at = old.firstChild;
  const rows = fresh && old.nodeName === 'TBODY';
  for (const node of [...now.childNodes]) {
    let same = node.id ? [...old.children].find(e => e.id === node.id) : null;
    if (!same && rows && node.id) { fresh.add(node.id); continue; }
    if (!same && at && !at.id && !node.id && at.nodeName === node.nodeName) same = at;
    if (!same) { old.insertBefore(node, at); continue; }
    if (same === at) at = at.nextSibling; else if (!rows) old.insertBefore(same, at);
    morph(same, node, fresh);
  }
  while (at && !rows) { const next = at.nextSibling; at.remove(); at = next; }
}

function take(html) {
  const doc = new DOMParser().parseFromString(html, 'text/html');
  for (const now of doc.querySelectorAll('[data-region]')) {
    const old = document.getElementById(now.id);
    if (!old) continue;
    if ('still' in now.dataset && old.matches(':hover, :focus-within')) continue;
    const end = 'scroll' in now.dataset && old.scrollTop + old.clientHeight >= old.scrollHeight - 8;
    const keep = 'keep' in now.dataset && $('tbody', old) && $('tbody', now);
    const fresh = keep ? new Set() : null;
    const bar = $(':scope > .fresh', old);
    bar?.remove();
    morph(old, now, fresh);
    if (fresh?.size) {
      const more = document.createElement('button');
      more.className = 'fresh';
      more.textContent = words.new.replace('%s', fresh.size + (fresh.size >= 100 ? '+' : ''));
      more.onclick = () => location.reload();
      old.prepend(more);
    }
    if (end) old.scrollTop = old.scrollHeight;
  }
}

// Live: the server tells which topics have changed; the page asks for itself again, at most once a second and only while it is seen.
let source, wait = 1000, again, held = false, last = 0, due, lost = false;

function show(text, bad) {
  state.textContent = text;
  state.classList.toggle('bad', bad);
  document.body.classList.toggle('stale', bad);
}
function notLive() {
  if (!lost) { lost = true; show(words.notLive.replace('%s', new Date(last || Date.now()).toLocaleTimeString('fr', { hourCycle: 'h23' })), true); }
}
function isLive() { last = Date.now(); if (lost || !state.textContent) { lost = false; show(words.live, false); } }
function refresh() {
  if (due || held || document.hidden) return;
  due = setTimeout(() => { due = 0; htmx.trigger(live, 'refresh'); }, Math.max(50, 1000 - (Date.now() - last)));
}
function connect() {
  clearTimeout(again);
  source?.close();
  if (document.hidden) return;
  source = new EventSource('/api/v1/events');
  source.onopen = () => { wait = 1000; if (!lost) isLive(); refresh(); }; // something may have changed since the page was made
  source.onerror = () => { source.close(); notLive(); again = setTimeout(connect, wait); wait = Math.min(wait * 2, 15000); };
  source.addEventListener('changed', event => {
    const topics = JSON.parse(event.data).topics || [];
    const mine = ('status ' + live.dataset.topics).split(' ');
    if (topics.some(t => mine.includes(t))) refresh(); else isLive();
  });
}
if (live) {
  live.addEventListener('htmx:beforeSwap', event => {
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status !== 200) { notLive(); return; }
    take(event.detail.xhr.responseText);
    isLive();
  });
  live.addEventListener('htmx:sendError', notLive);
  document.addEventListener('visibilitychange', () => { if (document.hidden) { source?.close(); return; } connect(); refresh(); });
  addEventListener('pagehide', () => source?.close());
  setInterval(refresh, 30000); // what is told as "for 12 min" grows without a change
  connect();
}

// Asked once.
const dialog = $('#dialog');
document.addEventListener('htmx:afterSwap', event => { if (event.detail.target === dialog && !dialog.open) dialog.showModal(); });
document.addEventListener('click', event => {
  if (event.target.closest('[data-close]') && dialog?.open) { event.preventDefault(); dialog.close(); return; }
  const copy = event.target.closest('[data-copy]');
  if (copy) {
    navigator.clipboard?.writeText(new URL(copy.dataset.copy, location).href).then(() => { copy.textContent = words.copied; });
    return;
  }
  const pause = event.target.closest('[data-pause]');
  if (pause) {
    held = !held;
    [pause.dataset.pause, pause.textContent] = [pause.textContent, pause.dataset.pause];
    pause.setAttribute('aria-pressed', held);
    if (!held) refresh();
    return;
  }
  const row = event.target.closest('table.rows tbody tr');
  if (row && !event.target.closest('a, button') && !getSelection().toString()) $('.rowlink', row)?.click();
});

// The keyboard.
document.addEventListener('keydown', event => {
  if (event.key === 'Escape' && event.target.id === 'find') { event.target.blur(); return; }
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.target.matches('[data-send]')) { event.preventDefault(); event.target.form.requestSubmit(); return; }
  if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && event.target.matches('.rowlink')) {
    const links = [...event.target.closest('table').querySelectorAll('.rowlink')];
    const to = links[links.indexOf(event.target) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (to) { event.preventDefault(); to.focus(); }
  }
});
document.addEventListener('keyup', event => { // not keydown: the field would have the stroke in it
  if (event.key === '/' && !event.target.closest('input, textarea, select') && !event.ctrlKey && !event.metaKey) $('#find')?.select();
});
for (const form of document.querySelectorAll('form')) form.addEventListener('submit', () => setTimeout(() => { for (const b of form.querySelectorAll('button')) b.disabled = true; }));
addEventListener('pageshow', () => { for (const b of document.querySelectorAll('form button')) b.disabled = false; });
const dates = document.querySelectorAll('form [name=from], form [name=to]'), period = $('[name=period]');
for (const d of dates) d.addEventListener('change', () => { if (period) period.value = 'other'; });
period?.addEventListener('change', () => { if (period.value !== 'other') for (const d of dates) d.value = ''; });

for (const e of document.querySelectorAll('[data-scroll]')) e.scrollTop = e.scrollHeight;
window.page = { morph };
})();
