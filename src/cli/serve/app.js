'use strict';
const $ = id => document.getElementById(id);
const COLOURS = ['#e4572e', '#2e86ab', '#3fa34d', '#c13cc1', '#e0a100', '#00a6a6', '#7a5cff', '#d1495b'];
const PAGE = 30;
let photo = null, like = '', next = null, asking = null, busy = false, shown = 0, blobs = [];

function make(tag, attributes = {}, ...children) {
  const e = tag === 'svg' || tag === 'rect' || tag === 'title'
    ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').className = bad ? 'bad' : '';
}

const key = () => $('token').value ? { Authorization: 'Bearer ' + $('token').value } : {};

async function ask(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { ...options.headers, ...key() } });
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text;
  try { message = JSON.parse(text).error.message; } catch { /* not ours */ }
  if (answer.status === 401) {
    $('more').open = true;
    $('token').focus();
    message = 'This server asks for a token: enter it under Filters.';
  }
  throw new Error(message);
}

const percent = x => Math.round(100 * x) + '%';

function replaceWord(from, to) {
  $('query').value = $('query').value.replace(new RegExp('(^|[^\\p{L}])' + from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '(?![\\p{L}])', 'iu'), '$1' + to);
  start();
}

function colourOf(text, token, tokens) {
  const at = tokens.indexOf(text + ' ' + token);
  return at < 0 ? 'var(--line)' : COLOURS[at % COLOURS.length];
}

function showChips(readings) {
  const tokens = [], chips = [];
  readings.forEach((reading, text) => {
    if (reading.language) chips.push(make('span', { class: 'chip no' }, 'This looks like ' + reading.language + '; the photos are searched by English words.'));
    for (const w of reading.words) {
      const used = w.kind === 'known' || w.kind === 'ood', chip = make('span', { class: used ? 'chip' : 'chip no' }, make('b', {}, w.token), ' ');
      const note = make('small');
      if (used) {
        tokens.push(text + ' ' + w.token);
        chip.style.setProperty('--colour', colourOf(text, w.token, tokens));
      }
      if (w.kind === 'known') note.append(w.word === w.token ? 'known' : 'known as ' + w.word.replaceAll('_', ' '));
      if (w.kind === 'ood') note.append('not learned; looks as ' + w.neighbours.slice(0, 4).map(n => n.word.replaceAll('_', ' ') + ' ' + percent(n.weight)).join(', '));
      if (!used) note.append('not used: ' + (w.reason || 'nothing is known of this word'));
      chip.append(note);
      if (w.suggestions.length) {
        chip.append(' did you mean ');
        for (const s of w.suggestions.slice(0, 3)) {
          const b = make('button', { type: 'button' }, s.replaceAll('_', ' '));
          b.onclick = () => replaceWord(w.token, s.replaceAll('_', ' '));
          chip.append(b);
        }
        chip.append('?');
      }
      chips.push(chip);
    }
  });
  $('chips').append(...chips);
  return tokens;
}

function originChip() {
  if (!photo && !like) return [];
  const stop = make('button', { type: 'button', 'aria-label': 'Search without this photo' }, '✕');
  stop.onclick = () => { photo = null; like = ''; start(); };
  return [make('span', { class: 'chip' }, 'like ', make('b', {}, photo ? photo.name || 'your photo' : like), ' ', stop)];
}

const address = (id, end = '') => 'v1/images/' + id.split('/').map(encodeURIComponent).join('/') + end + '?gallery=' + encodeURIComponent($('gallery').value);

async function picture(img, where) {
  if (!$('token').value) { img.src = where; return; }
  try {
    const url = URL.createObjectURL(await (await ask(where)).blob());
    blobs.push(url);
    img.src = url;
  } catch { img.dispatchEvent(new Event('error')); }
}

function card(item, tokens) {
  const label = item.file || item.id, words = item.words.map(w => w.token);
  const link = make('a', { class: 'photo', href: address(item.id), target: '_blank', rel: 'noopener' });
  const img = make('img', { alt: label + (words.length ? ', found by ' + words.join(', ') : ''), loading: 'lazy' });
  img.onerror = () => { img.remove(); link.append('no picture'); };
  link.append(img);
  if ($('token').value) link.onclick = async e => {
    e.preventDefault();
    const tab = window.open('about:blank');
    try { tab.location = URL.createObjectURL(await (await ask(address(item.id))).blob()); } catch (x) { tab.close(); say(x.message, true); }
  };
  if (item.width && item.words.some(w => w.box)) {
    const svg = make('svg', { viewBox: `0 0 ${item.width} ${item.height}`, 'aria-hidden': 'true' });
    for (const w of item.words) if (w.box) {
      const [x, y, X, Y] = w.box;
      svg.append(make('rect', { x, y, width: X - x, height: Y - y, stroke: colourOf(w.text, w.token, tokens) }, make('title', {}, w.token)));
    }
    link.append(svg);
  }
  picture(img, address(item.id, '/thumbnail'));
  const sure = item.confidence === null ? 'score ' + item.score.toFixed(2) : percent(item.confidence) + ' sure';
  const more = make('button', { type: 'button', 'aria-label': 'More like ' + label }, 'More like this');
  more.onclick = () => { like = item.id; photo = null; $('query').value = ''; start(); scrollTo(0, 0); $('grid').focus(); };
  const name = make('span', { class: 'name', title: item.id }, label);
  return make('figure', {}, link, make('figcaption', {}, name, make('span', { class: 'soft' }, sure), more));
}

function empty(...lines) {
  $('grid').append(make('div', { class: 'empty' }, ...lines.map(l => make('p', {}, l))));
}

function keepState() {
  const p = new URLSearchParams();
  for (const [name, value] of [['q', $('query').value], ['like', like], ['where', $('where').value], ['gallery', $('gallery').selectedIndex > 0 ? $('gallery').value : '']])
    if (value) p.set(name, value);
  history.replaceState(null, '', p.size ? '?' + p : location.pathname);
}

async function load(offset) {
  if (asking) asking.abort();
  const mine = asking = new AbortController(), text = $('query').value.trim(), body = { gallery: $('gallery').value, limit: PAGE, offset };
  busy = true;
  if ($('where').value.trim()) body.where = $('where').value.trim();
  try {
    let answer;
    if (photo) {
      const p = new URLSearchParams(body);
      answer = await ask('v1/similar?' + p, { method: 'POST', body: photo, signal: mine.signal, headers: { 'Content-Type': photo.type || 'application/octet-stream' } });
    } else {
      if (text) body.query = text;
      if (like) body[text ? 'image' : 'id'] = like;
      answer = await ask(text ? 'v1/search' : 'v1/similar', { method: 'POST', body: JSON.stringify(body), signal: mine.signal, headers: { 'Content-Type': 'application/json' } });
    }
    const found = await answer.json();
    if (mine !== asking) return;
    if (!offset) {
      for (const b of blobs.splice(0)) URL.revokeObjectURL(b);
      $('grid').replaceChildren();
      $('chips').replaceChildren(...originChip());
      load.tokens = showChips(found.readings);
      shown = 0;
    }
    $('grid').append(...found.items.map(i => card(i, load.tokens)));
    shown += found.items.length;
    next = found.next_offset;
    say(`${shown} of ${found.total.toLocaleString()} photos, best first, ${(1000 * found.seconds).toFixed(1)} ms`);
    if (!shown) empty('Nothing found.', found.readings.length ? 'No word of the query can be used, or the condition lets no photo through. The words above say why.' : 'The condition lets no photo through.');
  } catch (e) {
    if (e.name === 'AbortError' || mine !== asking) return;
    if (!offset) { $('grid').replaceChildren(); $('chips').replaceChildren(...originChip()); }
    next = null;
    say(e instanceof TypeError ? 'The server does not answer: is it still running?' : e.message, true);
  } finally {
    if (mine === asking) { busy = false; watch(); }
  }
}

function start() {
  keepState();
  next = null;
  if (photo || like || $('query').value.trim()) { say('Searching…'); load(0); return; }
  if (asking) asking.abort();
  asking = null;
  $('grid').replaceChildren();
  $('chips').replaceChildren();
  say('');
  empty('Type what the photos should show: “two dogs on grass”.', 'A minus leaves something out: “beach -people”. Drop or paste a photo to find others like it.', 'Keys: / to type, arrows between photos, Enter to open one, m for more like it.');
}

function watch() {
  if (next !== null && !busy && $('end').getBoundingClientRect().top < innerHeight + 600) load(next);
}

let timer;
const later = () => { clearTimeout(timer); timer = setTimeout(start, 180); };
$('query').oninput = $('where').oninput = later;
$('token').onchange = () => { sessionStorage.setItem('mask-token', $('token').value); begin(); };
$('gallery').onchange = () => { like = ''; start(); };
$('form').onsubmit = e => { e.preventDefault(); clearTimeout(timer); start(); };
new IntersectionObserver(watch, { rootMargin: '600px' }).observe($('end'));
addEventListener('scroll', watch, { passive: true });

function take(file) {
  if (!file) return;
  if (file.type && !file.type.startsWith('image/')) { say('This is not a photo.', true); return; }
  photo = file;
  like = '';
  $('query').value = '';
  start();
}
$('file').onchange = e => { take(e.target.files[0]); e.target.value = ''; };
addEventListener('paste', e => { const f = [...e.clipboardData.files][0]; if (f) { e.preventDefault(); take(f); } });
addEventListener('dragover', e => { e.preventDefault(); $('drop').hidden = false; });
addEventListener('dragleave', e => { if (!e.relatedTarget) $('drop').hidden = true; });
addEventListener('drop', e => { e.preventDefault(); $('drop').hidden = true; take(e.dataTransfer.files[0]); });

addEventListener('keydown', e => {
  const typing = e.target.matches('input, select'), links = [...document.querySelectorAll('a.photo')];
  if (e.key === '/' && !typing) { e.preventDefault(); $('query').select(); return; }
  if (e.key === 'ArrowDown' && e.target === $('query') && links.length) { e.preventDefault(); links[0].focus(); return; }
  const at = links.indexOf(document.activeElement);
  if (at < 0 || e.ctrlKey || e.metaKey || e.altKey) return;
  const columns = Math.max(1, getComputedStyle($('grid')).gridTemplateColumns.split(' ').length);
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key];
  if (step) {
    e.preventDefault();
    (links[at + step] || (step < 0 ? $('query') : links[at])).focus();
  } else if (e.key === 'm') links[at].closest('figure').querySelector('button').click();
});

async function begin() {
  const p = new URLSearchParams(location.search);
  try {
    const list = (await (await ask('v1/galleries')).json()).galleries;
    $('gallery').replaceChildren(...list.map(g => make('option', { value: g.name }, `${g.name} (${g.images.toLocaleString()})`)));
    $('gallery').hidden = list.length < 2;
    if (p.get('gallery')) $('gallery').value = p.get('gallery');
    start();
  } catch (e) {
    say(e instanceof TypeError ? 'The server does not answer: is it still running?' : e.message, true);
  }
}
function restore() {
  const p = new URLSearchParams(location.search);
  $('query').value = p.get('q') || '';
  $('where').value = p.get('where') || '';
  like = p.get('like') || '';
  if ($('where').value) $('more').open = true;
}
$('token').value = sessionStorage.getItem('mask-token') || '';
restore();
begin();
