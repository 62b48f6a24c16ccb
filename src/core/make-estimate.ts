import type { Calibration, Estimate, PartEstimate, StageEstimate } from './estimate.ts';
import { type EstimatedSizes, estimatePart, hitRatesOf, NO_PART, sumParts } from './estimate-part.ts';
import { guessOutput } from './guess-output.ts';
import { laterSizes } from './later-stage.ts';
import { calibrationFor } from './local-calibration.ts';
import type { PriceList } from './price-list.ts';
import type { RequestSizes } from './request-sizes.ts';
import { mergeSizes } from './size-counter.ts';
import type { SpendingRules } from './spending-rules.ts';
import type { Stage } from './stage.ts';
import { hitRateOf, type StageHistory } from './stage-history.ts';

/** What is known of one stage before its answers are there. */
export interface StageFacts {
  readonly name: string;
  readonly needs: readonly string[];
  /** Group → sizes of its requests, in the order of the data; null: the stage waits for others. */
  readonly built: ReadonlyMap<string | null, RequestSizes> | null;
  /** From the job file; null where there is none, and for ready-made requests. */
  readonly stage: Stage | null;
  /** Without counted requests: that of each model is taken. */
  readonly calibration: Calibration;
  readonly history: StageHistory | null;
}

export interface EstimateInput {
  readonly at: string;
  /** Each after those that it needs. */
  readonly stages: readonly StageFacts[];
  readonly records: number;
  readonly spending: Pick<SpendingRules, 'expectedOutput'>;
  readonly prices: PriceList;
}

/** What a job is expected to cost, from the sizes of its requests. */
export function makeEstimate(input: EstimateInput): Estimate {
  const stages: EstimatedStage[] = [];
  for (const facts of input.stages) stages.push(estimateStage(facts, stages, input));
  const names = new Set(stages.flatMap(({ groups }) => [...groups.keys()]).filter((name) => name !== null));
  return {
    madeAt: input.at,
    stages: stages.map(({ estimate }) => estimate),
    total: sumParts(stages.map(({ estimate }) => estimate)),
    groups: [...names].map((group) => ({
      group,
      ...sumParts(stages.map(({ groups }) => groups.get(group) ?? NO_PART)),
    })),
    unpriced: [...new Set(stages.flatMap(({ unpriced }) => unpriced))],
  };
}

interface EstimatedStage {
  readonly estimate: StageEstimate;
  readonly groups: ReadonlyMap<string | null, PartEstimate>;
  readonly unpriced: readonly string[];
}

function estimateStage(
  facts: StageFacts,
  earlier: readonly EstimatedStage[],
  input: EstimateInput,
): EstimatedStage {
  const { name, built, history } = facts;
  const needed = earlier.filter(({ estimate }) => facts.needs.includes(estimate.stage));
  const expected = input.spending.expectedOutput[name] ?? null;
  const common = {
    output: guessOutput(history, expected),
    measuredHitRate: hitRateOf(history),
    prices: input.prices,
    at: input.at,
  };
  const calibration = built === null ? laterCalibration(facts, earlier) : facts.calibration;
  const sizesOf = (group: string | null | undefined): EstimatedSizes => {
    if (built !== null) {
      const sizes = group === undefined ? mergeSizes(built.values()) : (built.get(group) ?? mergeSizes([]));
      return { low: sizes, likely: sizes, high: sizes, calibration };
    }
    if (facts.stage === null) return { ...EMPTY, calibration };
    const later = { stage: facts.stage, needs: needed.map(({ estimate }) => estimate), calibration };
    const first = needed[0];
    const requests = group === undefined ? input.records : (first?.groups.get(group)?.requests ?? 0);
    return { ...laterSizes(later, requests), calibration: AS_COUNTED };
  };
  const groupNames = [...(built ?? needed[0]?.groups ?? new Map()).keys()];
  const all = sizesOf(undefined);
  return {
    estimate: {
      stage: name,
      ...estimatePart(all, common),
      calibration,
      outputBasis: common.output.basis,
      cacheHitRate: hitRatesOf(all, common.measuredHitRate),
      isLater: built === null,
    },
    groups: new Map(groupNames.map((group) => [group, estimatePart(sizesOf(group), common)])),
    unpriced: all.likely.classes.flatMap(({ model }) =>
      input.prices.priceOf(model, input.at) === null ? [model ?? NO_MODEL] : [],
    ),
  };
}

/** What `unpriced` says of requests that name no model. */
const NO_MODEL = '(no model)';

const EMPTY = { low: mergeSizes([]), likely: mergeSizes([]), high: mergeSizes([]) };

/** Sizes that are in the API's tokens already. */
const AS_COUNTED: Calibration = { low: 1, likely: 1, high: 1, counted: 1 };

/** What was counted of an earlier stage of the same model says more than nothing. */
function laterCalibration({ stage }: StageFacts, earlier: readonly EstimatedStage[]): Calibration {
  const model = stage?.model ?? null;
  const like = earlier.find(({ estimate }) => estimate.calibration.counted > 0);
  const counted = like?.estimate.calibration;
  return counted === undefined
    ? calibrationFor({ low: 1, likely: 1, high: 1, counted: 0 }, model)
    : { ...counted, counted: 0 };
}
