import type { Seeded } from '../support/seeded.ts';

/** One thing that recovery assumes of the server and nobody documents, and how it may stand. */
interface Switch {
  readonly what: string;
  readonly positions: readonly Position[];
}

interface Position {
  readonly name: string;
  /** What the emulator is told for it, standing as long as the seed runs. */
  readonly faults: readonly string[];
}

/** A position with its switch. */
export interface SetSwitch extends Position {
  readonly title: string;
}

/** FAULTS.md G8a: every promise is kept whichever way each of them stands. */
export const SWITCHES: readonly Switch[] = [
  {
    what: 'created_at',
    positions: [
      { name: 'is the time of the last byte', faults: ['created-at=last-byte'] },
      { name: 'is the time of the first byte', faults: ['created-at=first-byte'] },
    ],
  },
  {
    what: 'the list',
    positions: [
      { name: 'is in the order of creation', faults: ['list-order=created'] },
      { name: 'is in the order of ids', faults: ['list-order=id'] },
    ],
  },
  {
    what: 'a new batch',
    positions: [
      { name: 'is listed at once', faults: [] },
      { name: 'is listed half a second later', faults: ['list-lag=0.5'] },
      { name: 'is not found by its id for a while', faults: ['not-found=0.3'] },
    ],
  },
  {
    what: 'a page',
    positions: [
      { name: 'holds what was asked for', faults: [] },
      { name: 'holds less, although more is there', faults: ['list-page=2'] },
      { name: 'says that more is there, always', faults: ['list-has-more'] },
      {
        name: 'is short, and always says that more is there',
        faults: ['list-page=2', 'list-has-more'],
      },
    ],
  },
  {
    what: 'a cursor that is not there any more',
    positions: [
      { name: 'gives 400', faults: ['list-page=1', 'list-cursor=400'] },
      { name: 'gives 404', faults: ['list-page=1', 'list-cursor=404'] },
      {
        name: 'gives an empty page',
        faults: ['list-page=1', 'list-cursor=empty'],
      },
    ],
  },
  {
    what: 'a batch that is there',
    positions: [
      { name: 'is found each time', faults: [] },
      { name: 'is not found now and then', faults: ['not-found-now-and-then=0.3'] },
    ],
  },
  {
    what: 'counts',
    positions: [
      { name: 'move at the end', faults: [] },
      { name: 'move before it', faults: ['live-counts'] },
      { name: 'move before it, under an unknown status', faults: ['live-counts', 'odd-status'] },
    ],
  },
  {
    what: 'Date',
    positions: [
      { name: 'is right', faults: [] },
      { name: 'is missing', faults: ['no-date'] },
      { name: 'is no time', faults: ['odd-date'] },
      { name: 'is five minutes ahead of created_at', faults: ['date-off=300'] },
      { name: 'is five minutes behind it', faults: ['date-off=-300'] },
      { name: 'is a day ahead of it', faults: ['date-off=86400'] },
      { name: 'is a day behind it', faults: ['date-off=-86400'] },
    ],
  },
  {
    what: 'the workspace',
    positions: [
      { name: 'is named in each answer', faults: [] },
      { name: 'is never named', faults: ['no-workspace'] },
    ],
  },
];

/** Every position of every switch, in a fixed order. */
export const POSITIONS: readonly SetSwitch[] = SWITCHES.flatMap(({ what, positions }) =>
  positions.map((position) => ({ ...position, title: `${what} ${position.name}` })),
);

/** The positions of a seed: one is given by its number, so that each has its turn; of the others most are the usual ones. */
export function drawSwitches(seed: number, random: Seeded): readonly SetSwitch[] {
  const given = POSITIONS[seed % POSITIONS.length];
  const drawn: SetSwitch[] = [];
  for (const { what, positions } of SWITCHES) {
    const titled = positions.map((position) => ({ ...position, title: `${what} ${position.name}` }));
    const own = titled.find(({ title }) => title === given?.title);
    const other = random.next() < 0.7 ? titled[0] : random.pick(titled);
    const position = own ?? other;
    // A page of one list cannot be set twice; what is given goes first.
    if (position !== undefined && (position === own || !clashes(position, drawn, given)))
      drawn.push(position);
  }
  return drawn;
}

function clashes(position: Position, drawn: readonly Position[], given: Position | undefined): boolean {
  const taken = [...drawn, ...(given === undefined ? [] : [given])].flatMap(({ faults }) =>
    faults.map(nameOf),
  );
  return position.faults.some((fault) => taken.includes(nameOf(fault)));
}

function nameOf(fault: string): string {
  return fault.split('=')[0] ?? fault;
}
