// The page: what is drawn, what is asked, and what is shown of it. All of it is kept here alone
// until it is saved; the server is told the whole desk with each question.

import { Drawing, Pad } from '/pad.js';
import { Latest, ask, sentence } from '/server.js';

const at = (id) => document.getElementById(id);
const desk = {
  classes: [{ name: 'class 1', drawings: [new Drawing()] }],
  query: new Drawing(),
  /** What is on the pad: a drawing of a class, or the query where there is none. */
  open: { of: 0, drawing: 0 },
  /** Whether the classes were changed since they were saved or loaded. */
  changed: false,
};
let most = { classes: 60, drawings: 10 };
const ranking = new Latest();
const calibrating = new Latest();
const thresholds = new Map();

const pad = new Pad(at('pad'), {
  lifted: () => drawn(),
  pen: (text) => { at('pen').textContent = text; },
});

/** Makes an element. */
function make(tag, properties, ...inside) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
}

function complain(error) {
  at('error').textContent = error ? error.message : '';
  at('error').hidden = !error;
}

/** Does what may fail, and says so if it does. */
async function tried(work) {
  try {
    complain(null);
    return await work();
  } catch (error) {
    complain(error);
    return undefined;
  }
}

const isQuery = () => desk.open.of === null;

/** After each change of the open drawing. */
function drawn() {
  if (!isQuery() && !pad.drawing.isBlank) desk.changed = true;
  paintThumbs();
  rank();
}

// What is on the pad.

function open(of, drawing = 0) {
  desk.open = { of, drawing };
  pad.show(of === null ? desk.query : desk.classes[of].drawings[drawing]);
  showOpen();
}

function showOpen() {
  const { of, drawing } = desk.open;
  const own = of === null ? null : desk.classes[of];
  const which = own && own.drawings.length > 1 ? `, drawing ${drawing + 1}` : '';
  at('title').textContent = own ? `Class: ${own.name}${which}` : 'Query';
  at('to-query').disabled = of === null;
  paintThumbs();
}

/** Goes to the next class, which is made if all are drawn. */
function next() {
  const from = desk.open.of ?? -1;
  const after = [...desk.classes.keys()].filter((place) => place > from);
  const blank = [...after, ...desk.classes.keys()].find((place) => desk.classes[place].drawings[0].isBlank);
  if (blank !== undefined) open(blank);
  else if (after.length && !isQuery()) open(after[0]);
  else addClass();
}

function before() {
  const from = desk.open.of ?? desk.classes.length;
  if (from > 0) open(from - 1);
}

function addClass() {
  if (desk.classes.length >= most.classes) {
    complain(new Error(`There are ${most.classes} classes already, the most that are ranked.`));
    return;
  }
  const taken = new Set(desk.classes.map((each) => each.name));
  let number = desk.classes.length + 1;
  while (taken.has(`class ${number}`)) number += 1;
  desk.classes.push({ name: `class ${number}`, drawings: [new Drawing()] });
  showClasses();
  open(desk.classes.length - 1);
}

function addDrawing(place) {
  const { drawings } = desk.classes[place];
  const blank = drawings.findIndex((drawing) => drawing.isBlank);
  if (blank < 0) drawings.push(new Drawing());
  showClasses();
  open(place, blank < 0 ? drawings.length - 1 : blank);
}

async function removeClass(place) {
  const own = desk.classes[place];
  const isDrawn = own.drawings.some((drawing) => !drawing.isBlank);
  if (isDrawn && !await sure(`Remove ${own.name} with its drawings?`, 'Remove')) return;
  desk.classes.splice(place, 1);
  desk.changed ||= isDrawn;
  if (desk.classes.length === 0) desk.classes.push({ name: 'class 1', drawings: [new Drawing()] });
  showClasses();
  const { of } = desk.open;
  if (of === null) showOpen();
  else open(Math.min(of > place ? of - 1 : of, desk.classes.length - 1));
  rank();
}

// The list of classes.

function thumb(drawing, press) {
  const button = make('button', { type: 'button', className: 'thumb', onclick: press });
  button.append(make('canvas', { width: 105, height: 105 }));
  button.drawing = drawing;
  return button;
}

function showClasses() {
  const rows = desk.classes.map((own, place) => {
    const thumbs = own.drawings.map((drawing, which) => thumb(drawing, () => open(place, which)));
    const name = make('input', { value: own.name, maxLength: 100, autocomplete: 'off', spellcheck: false });
    name.setAttribute('aria-label', `Name of class ${place + 1}`);
    name.addEventListener('change', () => rename(own, row));
    const more = make('button', { type: 'button', textContent: '+', onclick: () => addDrawing(place) });
    more.disabled = own.drawings.length >= most.drawings;
    const remove = make('button', { type: 'button', textContent: '×', onclick: () => removeClass(place) });
    const row = make('li', {}, ...thumbs, name, make('div', { className: 'buttons' }, more, remove));
    label(row, own);
    return row;
  });
  at('classes').replaceChildren(...rows);
  paintThumbs();
}

/** Says what the buttons of a class are for, by its name. */
function label(row, own) {
  const thumbs = [...row.querySelectorAll('.thumb')];
  thumbs.forEach((button, which) => button.setAttribute('aria-label', `Drawing ${which + 1} of ${own.name}`));
  const [more, remove] = row.querySelectorAll('.buttons button');
  more.setAttribute('aria-label', `Another drawing of ${own.name}`);
  remove.setAttribute('aria-label', `Remove ${own.name}`);
}

/** Takes a name that was typed; the row stays, and the focus with it. */
function rename(own, row) {
  const input = row.querySelector('input');
  const name = input.value.trim() || own.name;
  input.value = name;
  if (name === own.name) return;
  own.name = name;
  desk.changed = true;
  label(row, own);
  showOpen();
  rank();
}

function paintThumbs() {
  at('query').drawing = desk.query;
  for (const button of document.querySelectorAll('.thumb')) {
    button.drawing.paint(button.querySelector('canvas'));
    button.setAttribute('aria-pressed', String(button.drawing === pad.drawing));
  }
  at('undo').disabled = !pad.drawing.canUndo;
  at('clear').disabled = pad.drawing.isBlank;
}

// The answer.

/** The classes that have drawings, as the server takes them. */
function sent() {
  const classes = desk.classes.map((own) => {
    const inked = own.drawings.filter((drawing) => !drawing.isBlank);
    return { name: own.name, drawings: inked.map((drawing) => drawing.png()) };
  });
  return classes.filter((own) => own.drawings.length > 0);
}

async function rank() {
  const drawnClasses = desk.classes.filter((each) => each.drawings.some((drawing) => !drawing.isBlank));
  if (desk.query.isBlank || drawnClasses.length === 0) {
    ranking.giveUp();
    at('ranked').replaceChildren();
    at('told').textContent = '';
    at('answer').textContent = drawnClasses.length === 0 ? 'Draw each class once.' : 'Now draw the query.';
    calibrate(drawnClasses);
    return;
  }
  await tried(async () => {
    calibrate(drawnClasses);
    const began = performance.now();
    const [classes, query] = [sent(), desk.query.png()];
    const typed = at('threshold').value;
    const threshold = typed === '' ? null : Number(typed);
    const answer = await ranking.ask('/api/rank', { classes, query, threshold });
    if (answer) showAnswer(answer, classes, performance.now() - began);
  });
}

function showAnswer(answer, classes, took) {
  const { ranked } = answer;
  const name = (place) => classes[ranked[place].class].name;
  const said = {
    'above all others': () => name(0),
    'none of these': () => 'none of these',
    tied: () => `undecided: ${name(0)} and ${name(1)} share the first place`,
  };
  at('answer').textContent = said[answer.why]();
  const [top, low] = [ranked[0].score, Math.min(0, ranked.at(-1).score)];
  const rows = ranked.map(({ score }, place) => {
    const bar = make('span', { className: 'bar' });
    bar.style.width = `${top > low ? 100 * (score - low) / (top - low) : 0}%`;
    const value = make('span', { className: 'score', textContent: score.toFixed(4) });
    return make('li', {}, bar, make('span', { textContent: name(place) }), value);
  });
  at('ranked').replaceChildren(...rows);
  at('told').textContent = `Answered in ${Math.max(1, Math.round(took))} ms.`;
}

/** Finds the threshold for as many classes, and as many drawings of each, as there are. */
async function calibrate(drawnClasses) {
  if (at('calibrate-label').hidden || !at('calibrate').checked || drawnClasses.length === 0) return;
  const counts = drawnClasses.map((own) => own.drawings.filter((drawing) => !drawing.isBlank).length);
  const [ways, shots] = [counts.length, Math.min(...counts)];
  const key = `${ways} ${shots}`;
  if (!thresholds.has(key)) {
    at('told').textContent = `Finding the threshold for ${ways} classes…`;
    const found = await tried(() => calibrating.ask('/api/threshold', { ways, shots }));
    if (!found) return;
    thresholds.set(key, found.score);
  }
  const value = thresholds.get(key).toFixed(4);
  if (at('threshold').value === value) return;
  at('threshold').value = value;
  rank();
}

// Sets and alphabets.

/** Asks before something is lost. */
function sure(text, yes) {
  const dialog = at('question');
  at('question-text').textContent = text;
  at('question-yes').textContent = yes;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((done) => {
    dialog.addEventListener('close', () => done(dialog.returnValue === 'yes'), { once: true });
  });
}

async function showStart() {
  const start = await ask('/api/start');
  most = start.most;
  const options = (names) => names.map((name) => make('option', { value: name, textContent: name }));
  const chosen = at('sets').value;
  at('sets').replaceChildren(...options(start.sets));
  if (start.sets.includes(chosen)) at('sets').value = chosen;
  at('load').hidden = start.sets.length === 0;
  at('alphabets').replaceChildren(...options(start.alphabets));
  at('start').hidden = start.alphabets.length === 0;
  at('calibrate-label').hidden = !start.calibrated;
  return start;
}

async function save(event) {
  event.preventDefault();
  pad.lift();
  const name = at('set-name').value.trim();
  await tried(async () => {
    const set = { name, classes: sent(), replace: false };
    try {
      await ask('/api/save', set);
    } catch (error) {
      const CONFLICT = 409;
      if (error.status !== CONFLICT) throw error;
      if (!await sure(`A set named ${name} is there already. Replace it?`, 'Replace')) return;
      await ask('/api/save', { ...set, replace: true });
    }
    desk.changed = false;
    await showStart();
    at('sets').value = name;
    at('kept').textContent = `Saved ${name}: ${set.classes.length} classes.`;
  });
}

/** Puts classes that the server has in place of those on the desk. */
async function take(event, path, name) {
  event.preventDefault();
  pad.lift();
  const isDrawn = desk.classes.some((own) => own.drawings.some((drawing) => !drawing.isBlank));
  if (desk.changed && isDrawn && !await sure('The drawings of these classes are not saved. Lose them?', 'Lose them')) return;
  await tried(async () => {
    const { classes } = await ask(path, { name });
    const taken = classes.map(async (own) => (
      { name: own.name, drawings: await Promise.all(own.drawings.map((png) => Drawing.of(png))) }));
    desk.classes = await Promise.all(taken);
    desk.changed = false;
    showClasses();
    open(null);
    at('kept').textContent = sentence(`${name} has ${classes.length} classes`);
    if (path === '/api/load') at('set-name').value = name;
    await rank();
  });
}

// Keys, on the pad alone: elsewhere letters are typed.

const KEYS = {
  ArrowLeft: (event) => pad.go(-1, 0, event.shiftKey),
  ArrowRight: (event) => pad.go(1, 0, event.shiftKey),
  ArrowUp: (event) => pad.go(0, -1, event.shiftKey),
  ArrowDown: (event) => pad.go(0, 1, event.shiftKey),
  ' ': () => pad.toggle(),
  Escape: () => pad.lift(),
  u: () => undo(),
  c: () => clear(),
  n: () => next(),
  p: () => before(),
  q: () => open(null),
};

function undo() {
  pad.undo();
  drawn();
}

function clear() {
  pad.clear();
  drawn();
}

at('pad').addEventListener('keydown', (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z';
  const isOther = event.ctrlKey || event.metaKey || event.altKey;
  const press = isUndo ? undo : !isOther && KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!press) return;
  event.preventDefault();
  press(event);
});
at('undo').addEventListener('click', undo);
at('clear').addEventListener('click', clear);
at('next').addEventListener('click', next);
at('add').addEventListener('click', addClass);
for (const id of ['to-query', 'query']) at(id).addEventListener('click', () => open(null));
at('threshold').addEventListener('input', () => { at('calibrate').checked = false; rank(); });
at('calibrate').addEventListener('change', rank);
at('save').addEventListener('submit', save);
at('load').addEventListener('submit', (event) => take(event, '/api/load', at('sets').value));
at('start').addEventListener('submit', (event) => take(event, '/api/alphabet', at('alphabets').value));
window.addEventListener('beforeunload', (event) => { if (desk.changed) event.preventDefault(); });

at('query').drawing = desk.query;
showClasses();
open(0);
rank();
tried(async () => {
  const start = await showStart();
  if (start.threshold !== null) at('threshold').value = start.threshold;
  document.body.dataset.ready = 'yes';
});
