// Makes data/teg<10-17>/round<1-4>.csv: eight golfers, four rounds a year, all of it invented.
// The same seed gives the same files, so that running it again changes nothing:
//
//   node make-scores.mjs

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'data');
const random = seededRandom(20_260_917);

// Handicap, and how a player tends to play: better or worse than it by this many strokes, and how steadily.
const PLAYERS = [
  { name: 'Ingrid Solheim', handicap: 6, form: -0.2, spread: 0.8 },
  { name: 'Tomás Prieto', handicap: 9, form: 0.3, spread: 1.1 },
  { name: 'Wen Okafor', handicap: 12, form: -0.6, spread: 0.9 },
  { name: 'Declan Moriarty', handicap: 14, form: 0.8, spread: 1.4 },
  { name: 'Anneke de Vries', handicap: 16, form: 0.0, spread: 1.0 },
  { name: 'Piotr Łukasik', handicap: 19, form: -0.4, spread: 1.2 },
  { name: 'Ruth Abernathy', handicap: 22, form: 0.5, spread: 1.0 },
  { name: 'Gus "Lefty" Marchetti', handicap: 26, form: -0.3, spread: 1.5 },
];

const COURSES = [
  {
    name: 'Skerry Point Links',
    pars: [4, 4, 3, 5, 4, 4, 3, 4, 5, 4, 3, 4, 4, 5, 4, 3, 4, 5],
    indexes: [7, 3, 15, 11, 1, 9, 17, 5, 13, 4, 18, 8, 2, 12, 6, 16, 10, 14],
  },
  {
    name: 'Hollin Wood',
    pars: [4, 5, 4, 3, 4, 4, 4, 3, 5, 4, 4, 3, 5, 4, 4, 3, 4, 4],
    indexes: [9, 13, 1, 17, 5, 7, 3, 15, 11, 2, 10, 18, 12, 6, 4, 16, 8, 14],
  },
  {
    name: 'The Old Quarry',
    pars: [5, 4, 3, 4, 4, 3, 4, 5, 4, 4, 4, 5, 3, 4, 3, 4, 5, 4],
    indexes: [11, 5, 17, 3, 9, 15, 1, 13, 7, 6, 2, 12, 16, 4, 18, 8, 14, 10],
  },
  {
    name: 'Ladybower Heath',
    pars: [4, 3, 4, 5, 4, 4, 5, 3, 4, 4, 5, 4, 3, 4, 4, 3, 5, 4],
    indexes: [5, 15, 1, 13, 7, 3, 11, 17, 9, 8, 14, 2, 18, 4, 10, 16, 12, 6],
  },
];

const WEATHER = [
  'dry and still, 19 degrees',
  'wind from the sea, strong after noon',
  'rain until the turn, then sun',
  'cold morning, dew on the greens until eleven',
  'warm, thunder in the distance, play not stopped',
  'hard and fast after three dry weeks',
];

const EAGLES = [
  'holed from the fairway',
  'two good woods and a putt across the green',
  'chipped in from behind the bunker',
];

const BIRDIES = [
  'a putt of ten metres with the flag out',
  'the tee shot finished "close enough to kick in"',
  'up and down from the sand',
  'after a lucky bounce off the path',
];

const DISASTERS = [
  'two balls in the water, then three putts',
  'stuck in the gorse, would not take a drop',
  'out of bounds twice with the same club',
  'four shots to leave one bunker',
  'lost ball, found after the drop',
];

for (let teg = 10; teg <= 17; teg += 1) {
  const totals = new Map(PLAYERS.map(({ name }) => [name, 0]));
  for (const [index, course] of COURSES.entries()) {
    const place = join(folder, `teg${teg}`);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, `round${index + 1}.csv`), makeRound({ teg, round: index + 1, course, totals }));
  }
}

function makeRound({ teg, round, course, totals }) {
  const date = new Date(Date.UTC(2007 + teg, 8, 11 + round)).toISOString().slice(0, 10);
  const holes = course.pars.map((_, hole) => `h${hole + 1}`);
  const played = PLAYERS.map((player) => playRound(player, course));
  for (const { player, points } of played) totals.set(player.name, totals.get(player.name) + points);
  const standing = [...totals.values()].sort((a, b) => b - a);
  const rows = [
    ['player', 'handicap', ...holes, 'gross', 'points', 'total_points', 'place', 'note'],
    ['PAR', '', ...course.pars, sum(course.pars), '', '', '', `${course.name}, ${date}; ${pick(WEATHER)}`],
    ['STROKE INDEX', '', ...course.indexes, '', '', '', '', ''],
    ...played.map(({ player, scores, points, note }) => {
      const total = totals.get(player.name);
      const rank = [player.name, player.handicap, ...scores, sum(scores), points, total];
      return [...rank, standing.indexOf(total) + 1, note];
    }),
  ];
  return `${rows.map((row) => row.map(csvCell).join(',')).join('\n')}\n`;
}

function playRound(player, { pars, indexes }) {
  const scores = pars.map((par, hole) => {
    const expected = par + (player.handicap + 4 + player.form * 3) / 18 + (10 - indexes[hole]) * 0.04;
    return Math.max(
      par === 3 && random() < 0.004 ? 1 : 2,
      Math.round(expected + player.spread * normal() * 0.8),
    );
  });
  const points = sum(
    scores.map((score, hole) => stableford(score, pars[hole], indexes[hole], player.handicap)),
  );
  return { player, scores, points, note: makeNote(scores, pars) };
}

/** Two points for the net par of a hole, one more for each stroke under it, none for two or more over. */
function stableford(score, par, index, handicap) {
  const strokes = Math.floor(handicap / 18) + (handicap % 18 >= index ? 1 : 0);
  return Math.max(0, 2 + par + strokes - score);
}

/** What somebody would have jotted down on the card; many cards have nothing. */
function makeNote(scores, pars) {
  const overPar = scores.map((score, hole) => score - pars[hole]);
  const worst = overPar.indexOf(Math.max(...overPar));
  const best = overPar.indexOf(Math.min(...overPar));
  if (scores.includes(1)) return `hole in one at the ${ordinal(scores.indexOf(1))}, seen by the whole group`;
  if (overPar[best] <= -2) return `eagle at the ${ordinal(best)}: ${pick(EAGLES)}`;
  if (overPar[worst] >= 4) return `${scores[worst]} at the ${ordinal(worst)}: ${pick(DISASTERS)}`;
  if (overPar[best] === -1 && random() < 0.35) return `birdie at the ${ordinal(best)}, ${pick(BIRDIES)}`;
  return '';
}

function csvCell(value) {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function ordinal(hole) {
  const number = hole + 1;
  const ending = { 1: 'st', 2: 'nd', 3: 'rd' }[number % 10] ?? 'th';
  return `${number}${number >= 11 && number <= 13 ? 'th' : ending}`;
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function pick(list) {
  return list[Math.floor(random() * list.length)];
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** mulberry32: small, and the same on every machine. */
function seededRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
