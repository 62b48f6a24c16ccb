import { inputFailure } from '../core/input-failure.ts';
import type { RecordSource } from '../core/record.ts';
import { asAsync, type ReadFields, valuesToItems } from './program-values.ts';
import type { SourcePlace } from './source-path.ts';
import { untilAborted } from './until-aborted.ts';

/**
 * A record for each value that a program handed over; `name` is what messages call the list. What the program's own code
 * throws passes through as it is. Throws InputError `source_given` where there are none, because that program is gone.
 */
export function openGiven({ given }: SourcePlace, name: string, readFields: ReadFields): RecordSource {
  return {
    async *items(signal) {
      if (given === undefined) {
        throw inputFailure({
          code: 'source_given',
          file: name,
          problem: 'the program that built the job has them',
          next: 'run that program again',
        });
      }
      const values = Symbol.asyncIterator in given ? given : asAsync(given);
      yield* valuesToItems(untilAborted(values, signal), name, readFields, signal);
    },
  };
}
