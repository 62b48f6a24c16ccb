import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../core/errors.ts';
import type { Job } from '../core/job.ts';
import { type LiveRecord, openBatches, readLiveRecord } from '../core/live-record.ts';
import { formatUsd, type MicroUsd, priceTokens } from '../core/money.ts';
import { bandFor, openPriceList } from '../core/price-list.ts';
import { entriesOf } from '../files/job-folders.ts';
import { STATE_DIR } from '../files/workspace.ts';
import { LIVE_REQUESTS, probeLive } from '../steps/probe-live.ts';
import type { Context } from './context.ts';
import { askYes } from './keyboard.ts';
import { clearEarlier, type EarlierLive } from './live-earlier.ts';
import { formatCount } from './output.ts';

const API_VERSION = '2026-10-21';
/** The cheapest on the price list. */
const MODEL = 'claude-haiku-5-5';
/** What «Say ok.» and an answer of one token come to, with room for the framing. */
const TOKENS = { input: 32, output: 1 } as const;

export interface LiveReport {
  readonly record: LiveRecord;
  /** Relative to the workspace. */
  readonly path: string;
  readonly earlier: readonly EarlierLive[];
}

/** Asks the API what recovery assumes of it. Says first what that may cost, and goes on by the user's word. */
export async function askLive(context: Context, probe: Job): Promise<LiveReport> {
  const { wire, clock, signal, talk } = context;
  const files = await wire.files();
  const now = clock.now().toISOString();
  const cost = context.emulator ? 0 : costAtMost(now);
  await agree(context, cost);
  const provider = await (await wire.apis()).provider(probe, context);
  const path = `${STATE_DIR}/live-${now.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}.json`;
  const keep = (at: string, record: LiveRecord): void =>
    files.replace(at, `${JSON.stringify(record, null, 2)}\n`, { private: true, durable: true });
  const earlier = await clearEarlier(unfinished(wire.root), provider, keep, now, signal);
  const record = await probeLive(
    {
      started_at: now,
      finished_at: null,
      base_url: provider.account.baseUrl,
      workspace_id: null,
      api_version: API_VERSION,
      model: MODEL,
      cost_at_most_microusd: cost,
      batches: [],
      answers: [],
    },
    { provider, clock, keep: (record) => keep(path, record), say: (text) => talk.say(text) },
    signal,
  );
  return { record, path, earlier };
}

/** At the price of a batch. Null: no price is known. */
function costAtMost(at: string): MicroUsd | null {
  const price = openPriceList([]).priceOf(MODEL, at);
  const band = price?.bands[price === null ? 0 : bandFor(price, TOKENS.input)];
  if (price === null || band === undefined) return null;
  const parts = [
    { tokens: TOKENS.input * LIVE_REQUESTS, rate: band.input },
    { tokens: TOKENS.output * LIVE_REQUESTS, rate: band.output },
  ];
  return priceTokens(parts, [price.batchPercent], 'up');
}

async function agree(
  { emulator, yes, keyboard, talk, signal }: Context,
  cost: MicroUsd | null,
): Promise<void> {
  const price = describeCost(cost);
  talk.say(
    `two batches with ${formatCount(LIVE_REQUESTS)} requests of a few tokens, canceled at once: ${emulator ? 'a rehearsal, nothing is charged' : price}; it takes about a minute`,
  );
  if (emulator || yes) return;
  const next = 'batchctl --yes doctor --live';
  const refusal = new UsageError('nothing was asked', {
    code: 'not_confirmed',
    why: `it creates batches that may cost ${price}, and nobody said yes`,
    next,
  });
  if (keyboard === null) throw refusal;
  const unanswered = { message: 'interrupted; nothing was asked', why: 'nobody said yes', next };
  if (!(await askYes('Ask the API', unanswered, keyboard, signal))) throw refusal;
}

function describeCost(cost: MicroUsd | null): string {
  if (cost === null) return 'at a price that is not known';
  const shown = formatUsd(cost);
  return shown.startsWith('<') ? `less than ${shown.slice(1)}` : `at most ${shown}`;
}

/** Records of earlier calls that may have left batches behind, with their paths relative to the workspace. */
export function unfinished(root: string): readonly { readonly path: string; readonly record: LiveRecord }[] {
  return entriesOf(join(root, STATE_DIR))
    .filter(({ name }) => /^live-[\d-]+\.json$/.test(name))
    .flatMap(({ name }) => {
      const path = `${STATE_DIR}/${name}`;
      const record = readLiveRecord(readFileSync(join(root, path), 'utf8'));
      return record === null || record.finished_at !== null || openBatches(record).length === 0
        ? []
        : [{ path, record }];
    });
}
