'use strict';
/* What a search found, as chips for words and cards for photos: of the served page, and of pages that mask search --html writes. */
const COLOURS = ['#e4572e', '#2e86ab', '#3fa34d', '#c13cc1', '#e0a100', '#00a6a6', '#7a5cff', '#d1495b'];

function make(tag, attributes = {}, ...children) {
  const e = ['svg', 'rect', 'title'].includes(tag) ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

function button(text, run, attributes = {}) {
  const b = make('button', { type: 'button', ...attributes }, text);
  b.onclick = run;
  return b;
}

const percent = x => (x > 0 && x < 0.005 ? '<1' : Math.round(100 * x)) + '%';
const plain = word => word.replaceAll('_', ' ');

function colourOf(text, token, tokens) {
  const at = tokens.indexOf(text + ' ' + token);
  return at < 0 ? 'var(--line)' : COLOURS[at % COLOURS.length];
}

/* A chip for each word; replace(from, to) puts a suggestion in the place of a word. Also the words that are used, in order. */
function chipsOf(readings, replace) {
  const tokens = [], chips = [];
  readings.forEach((reading, text) => {
    if (reading.language) chips.push(make('li', { class: 'chip no' }, 'This looks like ' + reading.language + '; the photos are searched by English words.'));
    for (const w of reading.words) {
      const used = w.kind === 'known' || w.kind === 'ood', chip = make('li', { class: used ? 'chip' : 'chip no' }, make('b', {}, w.token), ' ');
      if (w.reason === 'part of what follows' || w.reason === 'no letter') continue;
      if (used) {
        tokens.push(text + ' ' + w.token);
        chip.style.setProperty('--colour', colourOf(text, w.token, tokens));
      }
      const note = w.kind === 'known' ? (plain(w.word) === w.token ? 'known' : 'known as ' + plain(w.word))
        : w.kind === 'ood' ? 'not learned; looks as ' + w.neighbours.slice(0, 4).map(n => plain(n.word) + ' ' + percent(n.weight)).join(', ')
          : 'not used: ' + (w.reason || 'nothing is known of this word');
      chip.append(make('small', {}, used && reading.weight < 0 ? 'counts against; ' + note : note));
      w.suggestions.slice(0, 3).forEach((s, i) => {
        chip.append(i ? ', ' : '; did you mean ');
        chip.append(replace ? button(plain(s), () => replace(w.token, plain(s))) : plain(s));
      });
      if (w.suggestions.length) chip.append('?');
      chips.push(chip);
    }
  });
  return [chips, tokens];
}

/* A card; link: where its photo leads, show(img): gives it its picture, more: what stands below. */
function cardOf(item, tokens, link, show, ...more) {
  const label = item.file || item.id, words = [...new Set(item.words.map(w => w.token))];
  const a = make('a', { class: 'photo', href: link }), img = make('img', { alt: label + (words.length ? ', found by ' + words.join(', ') : ''), loading: 'lazy' });
  img.onerror = () => { img.remove(); a.append('no picture'); };
  a.append(img);
  if (item.width && item.words.some(w => w.box)) {
    const svg = make('svg', { viewBox: `0 0 ${item.width} ${item.height}`, 'aria-hidden': 'true' });
    for (const w of item.words) if (w.box) {
      const [x, y, X, Y] = w.box;
      svg.append(make('rect', { x, y, width: X - x, height: Y - y, stroke: colourOf(w.text, w.token, tokens) }, make('title', {}, w.token)));
    }
    a.append(svg);
  }
  show(img);
  const sure = item.confidence === null ? 'score ' + item.score.toFixed(2) : percent(item.confidence) + ' sure', date = item.metadata && item.metadata.date;
  return make('figure', {}, a, make('figcaption', {}, make('span', { class: 'name', title: item.id }, label),
    ...(date ? [make('span', { class: 'soft' }, date.slice(0, 10))] : []), make('span', { class: 'soft' }, sure), ...more));
}

const summaryOf = (found, shown) => (found.sure === false && shown ? 'Nothing sure; the nearest are shown. ' : '') +
  `${shown.toLocaleString()} of ${found.total.toLocaleString()} photos, best first, ${(1000 * found.seconds).toFixed(1)} ms`;

for (const data of document.querySelectorAll('script.found')) {
  const found = JSON.parse(data.textContent), [chips, tokens] = chipsOf(found.readings);
  document.querySelector('main').append(make('h2', {}, found.texts.join(' + ')), make('p', { class: 'soft' }, summaryOf(found, found.items.length)),
    make('ul', { class: 'chips' }, ...chips),
    make('div', { class: 'grid' }, ...found.items.map(i => cardOf(i, tokens, i.link || '#', img => { img.src = i.picture || 'data:,'; }))));
}
