import type { Seeded } from '../support/seeded.ts';

/**
 * Faults of single calls that batchctl promises to live with. Not among them: a batch that is deleted, one that stays
 * invisible for longer than the settle time, and one that is «not found» for as long as it takes to be called gone.
 */
const FAULTS = [
  'cut-upload=0.01@2',
  'cut-upload=0.6@2',
  'cut-upload=0.999@1',
  'early-answer=529@1',
  'early-answer=429@1',
  'early-413@1',
  'lost-reply@1',
  'lost-reply@3',
  'create-slow=1@1',
  'create-hang@1',
  'create-hang-not-created@1',
  'create-500@2',
  'create-500-created@2',
  'create-529@1',
  'create-409@1',
  'create-408@1',
  'create-html-502@1',
  'create-html-502-created@2',
  'create-429=1@2',
  'create-429-bare@1',
  'create-spend-cap@1',
  'create-400-limit@1',
  'create-401@1',
  'create-403@1',
  'create-404@1',
  'create-redirect=http://127.0.0.1:9/@1',
  'create-cut-answer@1',
  'create-wrong-count@1',
  'create-repeat-id@1',
  'list-500@1',
  'list-500@4',
  'list-forbidden@1',
  'list-other-workspace@1',
  'get-500@1',
  'get-429=1@1',
  'get-404@1',
  'results-not-found@1',
  'results-cut=0.5@1',
  'results-short=0.4@1',
  'results-duplicate@1',
  'results-unknown@1',
  'results-blank-lines@2',
  'results-garbage@1',
  'results-slow=4000@1',
  'colleague=1',
  'colleague=2',
  'limit-requests=7',
  'queue=70',
] as const;

/** Two levels: which faults are live in a seed at all, then which of those strike in a step, drawn again each time. */
export function drawLive(random: Seeded): readonly string[] {
  const share = random.pick([0, 0.06, 0.12, 0.25]);
  const live: string[] = FAULTS.filter(() => random.next() < share);
  // The one that recovery is for.
  if (random.next() < 0.5) live.push(random.pick(['lost-reply@1', 'create-500-created@1', 'create-hang@1']));
  return live;
}

export function drawStrikes(live: readonly string[], random: Seeded): readonly string[] {
  const struck = live.filter(() => random.next() < 0.6);
  const names = new Set<string>();
  // Of faults with one name the first counts, in a mixed order: those that match one call take turns.
  return struck
    .map((fault) => ({ fault, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ fault }) => fault)
    .filter((fault) => {
      const name = fault.split(/[=@]/)[0] ?? fault;
      return !names.has(name) && names.add(name);
    });
}

/** What becomes of rows: the same as long as the seed runs, since a result never changes. */
export function drawOutcomes(random: Seeded): readonly string[] {
  return random.next() < 0.7
    ? []
    : [random.pick(['rows-overloaded=0.3', 'rows-errored=0.2', 'rows-expired=0.3', 'rows-truncated=0.2'])];
}

const KEY_REFUSED = ['create-401', 'create-403', 'create-404', 'list-forbidden', 'list-other-workspace'];
const MONEY_REFUSED = ['create-spend-cap', 'create-400-limit'];

/** With which codes a run may leave under these faults (docs/exit-codes.md). Never with 1, and never with 2: the job is good. */
export function allowedCodes(live: readonly string[], jobs: number): readonly number[] {
  const has = (names: readonly string[]) =>
    live.some((fault) => names.some((name) => fault.startsWith(name)));
  return [
    0,
    3,
    5,
    6,
    8,
    130,
    143,
    ...(has(KEY_REFUSED) ? [4] : []),
    ...(has(MONEY_REFUSED) || jobs > 1 ? [7] : []),
  ];
}
