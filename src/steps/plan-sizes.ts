import type { AttachedText } from '../core/measure-request.ts';
import type { RequestSizes } from '../core/request-sizes.ts';
import { SizeCounter } from '../core/size-counter.ts';
import { SpreadSample } from '../core/spread-sample.ts';
import { MOST_COUNTED } from './calibrate.ts';

/** What an estimate needs of a stage that is planned and not built. */
export interface PlannedSizes {
  readonly stage: string;
  /** Group → sizes of its requests, in the order of the data; null: the stage waits for others. */
  readonly groups: ReadonlyMap<string | null, RequestSizes> | null;
  /** Params of some of the requests, evenly spread. */
  readonly sample: readonly string[];
}

export interface SizesOfStage {
  add(group: string | null, paramsJson: string, attached: AttachedText | undefined): void;
  sizes(): PlannedSizes;
}

/** There is no file to read a sample from, so it is held: characters of one stage at most. */
const MOST_SAMPLED = 4_000_000;

export function countSizes(stage: string, isLater: boolean): SizesOfStage {
  const counters = new Map<string | null, SizeCounter>();
  const sample = new SpreadSample<string>(MOST_COUNTED / 2, MOST_SAMPLED, (text) => text.length);
  return {
    add(group, paramsJson, attached) {
      let counter = counters.get(group);
      if (counter === undefined) {
        counter = new SizeCounter();
        counters.set(group, counter);
      }
      counter.add(paramsJson, null, attached);
      if (sample.wantsNext()) sample.keep(paramsJson);
    },
    sizes: () => ({
      stage,
      groups: isLater ? null : new Map([...counters].map(([group, counter]) => [group, counter.sizes()])),
      sample: sample.kept(),
    }),
  };
}
