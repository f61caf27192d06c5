'use strict';
const $ = id => document.getElementById(id);
const PAGE = 30;
let photo = null, like = '', next = null, asking = null, busy = false, shown = 0, wanted = PAGE, tokens = [], blobs = [], galleries = [];
const chosen = new Set();

function say(text, bad = false) {
  $('status').textContent = text;
  $('status').className = bad ? 'bad' : '';
}

const key = () => $('token').value ? { Authorization: 'Bearer ' + $('token').value } : {};
const gallery = () => galleries.find(g => g.name === $('gallery').value) || { columns: [] };

async function ask(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { ...options.headers, ...key() } });
  if (answer.ok) return answer;
  const text = await answer.text();
  let message = text || 'The server refuses this (' + answer.status + ').';
  try { message = JSON.parse(text).error.message; } catch { /* not ours */ }
  if (answer.status === 401) {
    $('more').open = true;
    $('token').focus();
    message = 'This server asks for a token: enter it under Filters.';
  }
  throw new Error(message);
}
const post = (address, body, more = {}) => ask(address, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, ...more });
const send = (address, more = {}) => ask(address, { method: 'POST', body: photo, headers: { 'Content-Type': photo.type || 'application/octet-stream' }, ...more });
const about = e => e instanceof TypeError ? 'The server does not answer: is it still running?' : e.message;

function replaceWord(from, to) {
  $('query').value = $('query').value.replace(new RegExp('(^|[^\\p{L}])' + from.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') + '(?![\\p{L}])', 'iu'), '$1' + to);
  start();
}

/* ---- What is asked for, beside words ---- */

function where() {
  const parts = [];
  if ($('where').value.trim()) parts.push('(' + $('where').value.trim() + ')');
  if ($('from').value) parts.push(`date >= '${$('from').value}'`);
  if ($('to').value) parts.push(`date <= '${$('to').value}~'`);
  return parts.join(' AND ');
}

/* Chips of all that narrows the results, each with a way out. */
function filterChips() {
  const chip = (what, value, stop, ...more) => make('li', { class: 'chip' }, what + ' ', make('b', {}, value), ' ', ...more,
    button('✕', () => { stop(); start(); }, { 'aria-label': 'Without: ' + what + ' ' + value })), chips = [];
  if (photo) chips.push(chip('like', photo.name || 'your photo', () => { photo = null; }, ...(gallery().can_change ? [button('add it to the gallery', addPhoto)] : [])));
  if (like) chips.push(chip('like', like, () => { like = ''; }));
  if ($('where').value.trim()) chips.push(chip('where', $('where').value.trim(), () => { $('where').value = ''; }));
  if ($('from').value || $('to').value) chips.push(chip('taken', ($('from').value || '…') + ' to ' + ($('to').value || '…'), () => { $('from').value = $('to').value = ''; }));
  if ($('sure').value > 0) chips.push(chip('at least', $('sure').value + '% sure', () => { $('sure').value = 0; }));
  return chips;
}

async function describe() {
  const mine = photo, list = make('li', { class: 'chip' }, 'it shows ');
  try {
    const p = new URLSearchParams({ gallery: $('gallery').value, limit: 6 }), { items } = await (await send('v1/annotate?' + p)).json();
    if (mine !== photo || !items.length) return;
    items.forEach(i => list.append(button(plain(i.text), () => { photo = null; $('query').value = plain(i.text); start(); }), ' '));
    $('chips').append(list);
  } catch { /* the search says it */ }
}

async function addPhoto() {
  try {
    const p = new URLSearchParams({ gallery: $('gallery').value }), name = (photo.name || '').replace(/[^\p{L}\p{N}._ -]/gu, '').replace(/^[^\p{L}\p{N}]+/u, '');
    if (name) p.set('name', name.slice(0, 60));
    const { id, images } = await (await send('v1/images?' + p)).json();
    say(`${id} is in the gallery, which has ${images.toLocaleString()} photos now.`);
  } catch (e) { say(about(e), true); }
}

/* ---- Photos ---- */

const address = (id, end = '') => 'v1/images/' + id.split('/').map(encodeURIComponent).join('/') + end + '?gallery=' + encodeURIComponent($('gallery').value);

async function picture(img, from) {
  if (!$('token').value) { img.src = from; return; }
  try {
    const url = URL.createObjectURL(await (await ask(from)).blob());
    blobs.push(url);
    img.src = url;
  } catch { img.dispatchEvent(new Event('error')); }
}

function card(item) {
  const label = item.file || item.id, more = [];
  if (gallery().can_learn || gallery().can_change) {
    const box = make('input', { type: 'checkbox', 'aria-label': 'Select ' + label });
    box.checked = chosen.has(item.id);
    box.onchange = () => { if (box.checked) chosen.add(item.id); else chosen.delete(item.id); showChosen(); };
    more.push(box);
  }
  more.push(button('More like this', () => { like = item.id; photo = null; $('query').value = ''; start(); $('grid').focus(); }, { class: 'like', 'aria-label': 'More like ' + label }));
  const figure = cardOf(item, tokens, address(item.id), img => picture(img, address(item.id, '/thumbnail')), ...more), link = figure.querySelector('a');
  link.target = '_blank';
  link.rel = 'noopener';
  if ($('token').value) link.onclick = async e => {
    e.preventDefault();
    const tab = open('about:blank');
    try { tab.location = URL.createObjectURL(await (await ask(address(item.id))).blob()); } catch (x) { tab.close(); say(about(x), true); }
  };
  return figure;
}

function showChosen() {
  $('chosen').hidden = !chosen.size;
  $('count').textContent = chosen.size + (chosen.size === 1 ? ' photo' : ' photos') + ' selected';
  $('teach').hidden = !gallery().can_learn;
  $('remove').hidden = !gallery().can_change;
}

async function change(doing, run) {
  say(doing);
  try {
    const done = await run();
    chosen.clear();
    showChosen();
    await begin();
    say(done);
  } catch (e) { say(about(e), true); }
}
$('teach').onsubmit = e => {
  e.preventDefault();
  const word = $('word').value.trim();
  change('Learning…', async () => {
    await post('v1/words', { gallery: $('gallery').value, word, ids: [...chosen] });
    $('word').value = '';
    $('query').value = word;
    like = '';
    photo = null;
    return `“${word}” is learned.`;
  });
};
$('remove').onclick = () => change('Removing…', async () => {
  const count = chosen.size;
  for (const id of chosen) await ask(address(id), { method: 'DELETE' });
  return count + ' removed from the gallery.';
});
$('none').onclick = () => {
  chosen.clear();
  for (const box of document.querySelectorAll('figure input')) box.checked = false;
  showChosen();
};

/* ---- Searching ---- */

function empty(...lines) {
  $('grid').append(make('div', { class: 'empty' }, ...lines.map(l => make('p', {}, l))));
}

const STATE = { q: 'query', where: 'where', from: 'from', to: 'to', sure: 'sure' };

function keepState() {
  const p = new URLSearchParams();
  for (const [name, id] of Object.entries(STATE)) if ($(id).value && $(id).value !== '0') p.set(name, $(id).value);
  if (like) p.set('like', like);
  if ($('gallery').selectedIndex > 0) p.set('gallery', $('gallery').value);
  if (wanted > PAGE) p.set('n', wanted);
  history.replaceState(null, '', p.size ? '?' + p : location.pathname);
}

async function load(offset, limit) {
  if (asking) asking.abort();
  const mine = asking = new AbortController(), signal = mine.signal, text = $('query').value.trim(), body = { gallery: $('gallery').value, limit, offset, metadata: true };
  busy = true;
  if (where()) body.where = where();
  try {
    let answer;
    if (photo) answer = await send('v1/similar?' + new URLSearchParams(body), { signal });
    else if (text) answer = await post('v1/search', { ...body, query: text, min_confidence: $('sure').value / 100, ...(like ? { image: like } : {}) }, { signal });
    else answer = await post('v1/similar', { ...body, id: like }, { signal });
    const found = await answer.json();
    if (mine !== asking) return;
    if (!offset) {
      for (const b of blobs.splice(0)) URL.revokeObjectURL(b);
      const [chips, used] = chipsOf(found.readings, replaceWord);
      tokens = used;
      $('grid').replaceChildren();
      $('chips').replaceChildren(...filterChips(), ...chips);
      shown = 0;
      if (photo) describe();
    }
    $('grid').append(...found.items.map(card));
    shown += found.items.length;
    wanted = Math.max(PAGE, shown);
    keepState();
    next = found.next_offset;
    say(summaryOf(found, shown));
    if (!shown) empty('Nothing found.', found.readings.some(r => r.words.some(w => w.kind === 'known' || w.kind === 'ood'))
      ? 'The filters above let no photo through: take one away.' : 'No word of the query can be used: the chips above say why.');
  } catch (e) {
    if (e.name === 'AbortError' || mine !== asking) return;
    if (!offset) {
      $('grid').replaceChildren();
      $('chips').replaceChildren(...filterChips());
    }
    next = null;
    say(about(e), true);
    if (!offset && where()) empty('Put the filters right, or take them away with ✕.');
  } finally {
    if (mine === asking) { busy = false; watch(); }
  }
}

function start(count = 0) {
  wanted = count || PAGE;
  if (!count) scrollTo(0, 0);
  keepState();
  next = null;
  if (photo || like || $('query').value.trim()) { say('Searching…'); return load(0, Math.min(1000, wanted)); }
  if (asking) asking.abort();
  asking = null;
  $('grid').replaceChildren();
  $('chips').replaceChildren(...filterChips());
  say('');
  if (gallery().images === 0) empty('There are no photos yet.', gallery().can_change ? 'Drop one here to add it.' : 'Start the server with a folder that has some: mask serve --photos FOLDER');
  else empty('Type what the photos should show: “two dogs on grass”.', 'A minus leaves something out: “beach -people”. Drop or paste a photo to find others like it.', 'Keys: / to type, arrows between photos, Enter to open one, m for more like it, x to select.');
}

function watch() {
  if (next !== null && !busy && $('end').getBoundingClientRect().top < innerHeight + 600) load(next, PAGE);
}

let timer;
const later = () => { clearTimeout(timer); timer = setTimeout(start, 180); };
for (const id of ['query', 'where', 'from', 'to', 'sure']) $(id).oninput = later;
$('token').onchange = () => { sessionStorage.setItem('mask-token', $('token').value); begin(); };
$('gallery').onchange = () => { like = ''; chosen.clear(); showChosen(); showColumns(); start(); };
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
  const typing = e.target.matches('input:not([type=checkbox]), select'), links = [...document.querySelectorAll('a.photo')];
  if (e.key === '/' && !typing) { e.preventDefault(); $('query').select(); return; }
  if (e.key === 'ArrowDown' && e.target === $('query') && links.length) { e.preventDefault(); links[0].focus(); return; }
  const at = links.indexOf(document.activeElement);
  if (at < 0 || e.ctrlKey || e.metaKey || e.altKey) return;
  const columns = Math.max(1, getComputedStyle($('grid')).gridTemplateColumns.split(' ').length);
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[e.key], figure = links[at].closest('figure');
  if (step) {
    e.preventDefault();
    (links[at + step] || (step < 0 ? $('query') : links[at])).focus();
  } else if (e.key === 'm') figure.querySelector('.like').click();
  else if (e.key === 'x') figure.querySelector('input')?.click();
});

function showColumns() {
  for (const label of document.querySelectorAll('.date')) label.hidden = !gallery().columns.includes('date');
}

async function begin() {
  const p = new URLSearchParams(location.search);
  try {
    galleries = (await (await ask('v1/galleries')).json()).galleries;
    $('gallery').replaceChildren(...galleries.map(g => make('option', { value: g.name }, `${g.name} (${g.images.toLocaleString()})`)));
    $('gallery').hidden = galleries.length < 2;
    if (galleries.some(g => g.name === p.get('gallery'))) $('gallery').value = p.get('gallery');
    showColumns();
    await start(Math.min(1000, +p.get('n') || PAGE));
  } catch (e) {
    say(about(e), true);
  }
}

const given = new URLSearchParams(location.search);
for (const [name, id] of Object.entries(STATE)) if (given.get(name)) $(id).value = given.get(name);
like = given.get('like') || '';
$('more').open = ['where', 'from', 'to', 'sure'].some(name => given.get(name));
$('token').value = sessionStorage.getItem('mask-token') || '';
begin();
