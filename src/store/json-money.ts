import type { Estimate, PartEstimate, Range } from '../core/estimate.ts';
import { type Fields, parseFields } from '../core/json-fields.ts';
import type { PriceOverride } from '../core/model-price.ts';
import type { Pilot } from '../core/pilot.ts';
import type { CachedPrefix, LinePlace, RequestSizes, SizeClass } from '../core/request-sizes.ts';
import { FAILURE_CLASSES } from '../core/result.ts';
import type { ExpectedOutput, SpendingRules } from '../core/spending-rules.ts';
import type { SpentLine } from '../core/spent-line.ts';

/** `spending` of a job's spec. */
export function readSpending(rules: Fields): SpendingRules {
  const expected = rules.object('expectedOutput');
  return {
    maxMicroUsd: rules.numberOrNull('maxMicroUsd'),
    askAboveMicroUsd: rules.number('askAboveMicroUsd'),
    prices: rules.objects('prices').map(readOverride),
    expectedOutput: Object.fromEntries(
      expected.names().map((stage) => [stage, readExpected(expected.object(stage))]),
    ),
  };
}

function readOverride(price: Fields): PriceOverride {
  return {
    model: price.text('model'),
    input: price.numberOrNull('input'),
    output: price.numberOrNull('output'),
    cacheWrite5m: price.numberOrNull('cacheWrite5m'),
    cacheWrite1h: price.numberOrNull('cacheWrite1h'),
    cacheRead: price.numberOrNull('cacheRead'),
    batchPercent: price.numberOrNull('batchPercent'),
  };
}

function readExpected(output: Fields): ExpectedOutput {
  return output.choice('kind', ['tokens', 'percent']) === 'tokens'
    ? { kind: 'tokens', tokens: output.number('tokens') }
    : { kind: 'percent', percent: output.number('percent') };
}

export function readPilot(json: string): Pilot {
  const pilot = parseFields('jobs.pilot_json', json);
  return {
    requests: pilot.number('requests'),
    minSuccess: pilot.numberOrNull('minSuccess'),
    approvedAt: pilot.textOrNull('approvedAt'),
  };
}

export function readSizes(json: string): RequestSizes {
  const sizes = parseFields('shards.sizes_json', json);
  return {
    classes: sizes.objects('classes').map(readClass),
    prefixes: sizes.objects('prefixes').map(readPrefix),
    sample: sizes.objects('sample').map(readPlace),
  };
}

function readClass(sizes: Fields): SizeClass {
  return {
    model: sizes.textOrNull('model'),
    isUs: sizes.flag('isUs'),
    exponent: sizes.number('exponent'),
    requests: sizes.number('requests'),
    tokens: sizes.number('tokens'),
    largest: sizes.number('largest'),
    maxTokens: sizes.number('maxTokens'),
  };
}

function readPrefix(prefix: Fields): CachedPrefix {
  return {
    model: prefix.textOrNull('model'),
    isUs: prefix.flag('isUs'),
    ttl: prefix.choice('ttl', ['5m', '1h']),
    tokens: prefix.number('tokens'),
    tokensUpTo: prefix.number('tokensUpTo'),
    requests: prefix.number('requests'),
    distinct: prefix.number('distinct'),
    hash: prefix.text('hash'),
  };
}

function readPlace(place: Fields): LinePlace {
  return { offset: place.number('offset'), length: place.number('length') };
}

/** The column holds an object, so that a later version may say more of a shard than its lines. */
export function writeSpent(lines: readonly SpentLine[]): string {
  return JSON.stringify({ lines });
}

export function readSpent(json: string): readonly SpentLine[] {
  return parseFields('shards.spent_json', json)
    .objects('lines')
    .map((line) => ({
      model: line.textOrNull('model'),
      band: line.number('band'),
      serviceTier: line.textOrNull('serviceTier'),
      isUs: line.flag('isUs'),
      failure: line.isNull('failure') ? null : line.choice('failure', FAILURE_CLASSES),
      answers: line.number('answers'),
      input: line.number('input'),
      output: line.number('output'),
      outputSquares: line.number('outputSquares'),
      cacheWrite5m: line.number('cacheWrite5m'),
      cacheWrite1h: line.number('cacheWrite1h'),
      cacheRead: line.number('cacheRead'),
      webSearches: line.number('webSearches'),
      cost: line.numberOrNull('cost'),
      realTime: line.numberOrNull('realTime'),
      uncached: line.numberOrNull('uncached'),
    }));
}

export function readEstimate(json: string): Estimate {
  const estimate = parseFields('jobs.estimate_json', json);
  return {
    madeAt: estimate.text('madeAt'),
    stages: estimate.objects('stages').map((stage) => ({
      ...readPart(stage),
      stage: stage.text('stage'),
      calibration: {
        ...readRange(stage.object('calibration')),
        counted: stage.object('calibration').number('counted'),
      },
      outputBasis: stage.choice('outputBasis', ['history', 'expected', 'max_tokens']),
      cacheHitRate: rangeOrNull(stage, 'cacheHitRate'),
      isLater: stage.flag('isLater'),
    })),
    total: readPart(estimate.object('total')),
    groups: estimate.objects('groups').map((group) => ({ ...readPart(group), group: group.text('group') })),
    unpriced: estimate.texts('unpriced'),
  };
}

function readPart(part: Fields): PartEstimate {
  return {
    requests: part.number('requests'),
    inputTokens: readRange(part.object('inputTokens')),
    outputTokens: readRange(part.object('outputTokens')),
    batch: rangeOrNull(part, 'batch'),
    realTime: rangeOrNull(part, 'realTime'),
  };
}

function readRange(range: Fields): Range {
  return { low: range.number('low'), likely: range.number('likely'), high: range.number('high') };
}

function rangeOrNull(fields: Fields, name: string): Range | null {
  const range = fields.objectOrNull(name);
  return range === null ? null : readRange(range);
}
