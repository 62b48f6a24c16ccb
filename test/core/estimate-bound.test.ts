import { expect, test } from 'vitest';
import { readBilledUsage } from '../../src/core/billing.ts';
import { boundOf } from '../../src/core/cost-bound.ts';
import { calibrationOf, LOCAL_CALIBRATION } from '../../src/core/local-calibration.ts';
import { makeEstimate } from '../../src/core/make-estimate.ts';
import { measureRequest } from '../../src/core/measure-request.ts';
import { openPriceList } from '../../src/core/price-list.ts';
import { SizeCounter } from '../../src/core/size-counter.ts';
import { SpentCounter } from '../../src/core/spent-counter.ts';
import { sumSpent } from '../../src/core/spent-sum.ts';
import { answerMessage } from '../../src/emulator/answer.ts';
import { seededRandom } from '../../src/emulator/hash.ts';
import { MODELS } from '../../src/emulator/models.ts';
import { paramsSchema } from '../../src/emulator/params-schema.ts';
import { piecesOf } from '../../src/emulator/prompt.ts';

const AT = '2026-11-20T10:00:00Z';
const PRICES = openPriceList([]);
const ROUTES = ['batch', 'real_time'] as const;

/** Texts of very different density: bytes of the request for one byte of the prompt, and the other way round. */
const WRITERS = [
  (length: number) => 'word '.repeat(Math.ceil(length / 5)),
  (length: number) => '漢字'.repeat(Math.ceil(length / 6)),
  (length: number) => '👩‍👧'.repeat(Math.ceil(length / 11)),
  (length: number) => '"\\\n\t'.repeat(Math.ceil(length / 4)),
  (length: number) => '\u0001'.repeat(length),
  (length: number) => Buffer.from('x'.repeat(length)).toString('base64'),
] as const;

/** Requests as a careless user would make them; the same for the same seed. */
function makeRequests(seed: number): readonly string[] {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const isSo = (share: number): boolean => random() < share;
  const text = (length: number): string => pick(WRITERS)(Math.ceil(length));
  const mark = () => (isSo(0.5) ? { type: 'ephemeral' } : { type: 'ephemeral', ttl: pick(['5m', '1h']) });
  const models = isSo(0.7) ? [pick(MODELS)] : [pick(MODELS), pick(MODELS)];
  const count = pick([1, 2, 5, 30]);
  // Around the upper band of Haiku 5.5, where a prompt has 100,000 tokens.
  const length = pick([5, 50, 3_000, 9_000, count <= 2 && isSo(0.5) ? 390_000 : 3_000]);
  const system = [{ type: 'text', text: text(pick([100, 3_000, 9_000])), ...markOrNot() }];
  const tools = Array.from({ length: 9 }, (_, index) => ({ name: `t${index}`, description: text(200) }));
  const shared = { ...(isSo(0.6) ? { system } : {}), ...(isSo(0.3) ? { tools } : {}) };
  const [isOwnMarked, isAutomatic, isUs, isHeadLast] = [isSo(0.2), isSo(0.2), isSo(0.2), isSo(0.3)];
  const maxTokens = pick([1, 40, 500, 64_000]);
  const spread = pick([0, 0.2, 0.9]);
  return Array.from({ length: count }, () => {
    const turn = text(1 + length * (1 + spread * (2 * random() - 1)));
    const own = [{ type: 'text', text: text(9_000 * random()), cache_control: mark() }];
    const content = isOwnMarked ? [...own, { type: 'text', text: turn }] : turn;
    const head = { model: pick(models).id, max_tokens: maxTokens };
    const rest = {
      ...shared,
      messages: [{ role: 'user', content }],
      ...(isAutomatic ? { cache_control: mark() } : {}),
      ...(isUs ? { inference_geo: 'us' } : {}),
    };
    return JSON.stringify(isHeadLast ? { ...rest, ...head } : { ...head, ...rest });
  });

  function markOrNot(): object {
    return isSo(0.8) ? { cache_control: mark() } : {};
  }
}

/** What the emulator would charge; `isCold`: nobody finds what others have cached. */
function chargeFor(requests: readonly string[], route: 'batch' | 'real_time', isCold: boolean): number {
  const spent = new SpentCounter({ route, at: AT, prices: PRICES });
  const warm = new Map();
  for (const [index, json] of requests.entries()) {
    const params = paramsSchema.parse(JSON.parse(json));
    const cached = isCold ? new Map() : warm;
    const context = { seed: String(index), isBatch: route === 'batch', cached, fault: null };
    const { usage, model } = answerMessage(params, context);
    const billed = readBilledUsage(usage);
    spent.add({ status: 'succeeded', failure: null, model: String(model), billed });
  }
  return sumSpent(spent.lines()).cost ?? Number.NaN;
}

function countAll(requests: readonly string[]) {
  return requests.map((json) => ({
    local: measureRequest(json).tokens,
    counted: piecesOf(paramsSchema.parse(JSON.parse(json))).reduce((sum, { tokens }) => sum + tokens, 0),
  }));
}

test('whatever the requests are, the cost is at most the high end, and the range is in order', () => {
  for (let seed = 1; seed <= 150; seed += 1) {
    const requests = makeRequests(seed);
    const counter = new SizeCounter();
    for (const json of requests) counter.add(json, null);
    const sizes = counter.sizes();
    const counted = calibrationOf(countAll(requests), { ofAll: true }) ?? LOCAL_CALIBRATION;
    const built = new Map([[null, sizes]]);
    const stage = { name: 'main', needs: [], built, stage: null, history: null };
    const charges = new Map(
      ROUTES.map((route) => [route, [true, false].map((isCold) => chargeFor(requests, route, isCold))]),
    );
    for (const calibration of [LOCAL_CALIBRATION, counted]) {
      const stages = [{ ...stage, calibration }];
      const input = { at: AT, records: requests.length, prices: PRICES, spending: { expectedOutput: {} } };
      const { total } = makeEstimate({ ...input, stages });
      for (const route of ROUTES) {
        const range = route === 'batch' ? total.batch : total.realTime;
        const bound = boundOf(sizes, { calibration, route, prices: PRICES, at: AT }) ?? Number.NaN;
        expect(range?.high, `seed ${seed}`).toBe(bound);
        for (const cost of charges.get(route) ?? []) expect(cost, `seed ${seed}`).toBeLessThanOrEqual(bound);
        for (const one of [range, total.inputTokens, total.outputTokens]) {
          expect(one?.low, `seed ${seed}`).toBeLessThanOrEqual(one?.likely ?? Number.NaN);
          expect(one?.likely, `seed ${seed}`).toBeLessThanOrEqual(one?.high ?? Number.NaN);
        }
      }
    }
  }
});
