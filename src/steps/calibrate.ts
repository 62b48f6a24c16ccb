import { countableParams } from '../core/countable-params.ts';
import { ProviderError } from '../core/errors.ts';
import type { Calibration } from '../core/estimate.ts';
import { type CountedRequest, calibrationOf } from '../core/local-calibration.ts';
import { measureRequest } from '../core/measure-request.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { JobFiles } from '../core/ports/files.ts';
import type { ReportProgress } from '../core/ports/progress.ts';
import type { BatchProvider } from '../core/ports/provider.ts';
import type { LinePlace } from '../core/request-sizes.ts';
import { readShardLine } from '../core/shard-line.ts';
import { RangeReaders } from './range-readers.ts';
import { repeatRead } from './repeat-read.ts';

/** Requests that are counted; more of them say little more. Counts are free, but have a limit of their own. */
export const MOST_COUNTED = 20;
const AT_ONCE = 4;

export interface Counting {
  readonly provider: Pick<BatchProvider, 'countTokens'>;
  readonly apiVersion: string;
  readonly clock: Clock;
  readonly report: ReportProgress;
}

/**
 * Has the API count some requests of a stage. Null when it counts none of them: that is told, and stops nothing.
 *
 * `ofAll`: the requests are all that the stage has. @throws AuthError
 */
export async function calibrate(
  requests: readonly string[],
  { stage, ofAll }: { readonly stage: string; readonly ofAll: boolean },
  counting: Counting,
  signal: AbortSignal,
): Promise<Calibration | null> {
  const waiting = [...requests];
  const counted: CountedRequest[] = [];
  const failures: ProviderError[] = [];
  const work = async (): Promise<void> => {
    for (let paramsJson = waiting.shift(); paramsJson !== undefined; paramsJson = waiting.shift()) {
      try {
        counted.push(await countOne(paramsJson, counting, signal));
      } catch (error) {
        if (!(error instanceof ProviderError)) throw error;
        failures.push(error);
        // A request that is refused says nothing of the others; a server that is out of reach does.
        if (error.status !== 400 && error.status !== 404) waiting.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const [failure] = failures;
  const calibration = calibrationOf(counted, { ofAll: ofAll && failures.length === 0 });
  if (failure !== undefined) {
    const what =
      calibration === null ? 'so they are a guess' : `for ${failures.length} of ${requests.length} requests`;
    const text = `the API did not count the tokens of stage ${stage}, ${what}: ${failure.why ?? failure.message}`;
    counting.report({ kind: 'notice', text });
  }
  return calibration;
}

async function countOne(
  paramsJson: string,
  { provider, apiVersion, clock }: Counting,
  signal: AbortSignal,
): Promise<CountedRequest> {
  const countable = countableParams(paramsJson);
  const count = (): Promise<number> => provider.countTokens(countable, apiVersion, signal);
  return { counted: await repeatRead(count, clock, signal), local: measureRequest(paramsJson).tokens };
}

/** A line of a shard file. */
export interface SampledLine extends LinePlace {
  readonly path: string;
}

/** The params of some of these lines, spread evenly over their lengths: the longest is among them. */
export function readSample(lines: readonly SampledLine[], files: Pick<JobFiles, 'open'>): readonly string[] {
  const byLength = lines.toSorted((a, b) => b.length - a.length);
  const step = Math.max(1, byLength.length / MOST_COUNTED);
  const readers = new RangeReaders(files);
  try {
    const sample: string[] = [];
    for (let at = 0; at < byLength.length && sample.length < MOST_COUNTED; at += step) {
      const line = byLength[Math.floor(at)];
      if (line === undefined) break;
      const text = readers.read(line.path, line.offset, line.length);
      const paramsJson = readShardLine(text)?.paramsJson;
      if (paramsJson !== undefined) sample.push(paramsJson);
    }
    return sample;
  } finally {
    readers.close();
  }
}
