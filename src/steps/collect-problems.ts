import { InputError, type InputProblem } from '../core/errors.ts';
import type { Location } from '../core/record.ts';

const SHOWN = 20;

/** Gathers what is wrong with the data, so that the user hears all of it at once; keeps the first 20 and counts the rest. */
export interface Problems {
  add(at: Location, problem: string): void;
  readonly count: number;
  readonly first: readonly InputProblem[];
  /** @throws InputError when there is any. */
  throwIfAny(what: string): void;
}

export function collectProblems(): Problems {
  const first: InputProblem[] = [];
  let count = 0;
  return {
    add(at, problem) {
      count += 1;
      if (first.length < SHOWN) first.push({ file: at.file, line: at.line, problem });
    },
    get count() {
      return count;
    },
    first,
    throwIfAny(what) {
      if (count === 0) return;
      throw new InputError(
        `${what}: ${count === 1 ? 'a record' : `${count} records`} cannot become ${count === 1 ? 'a request' : 'requests'}`,
        {
          code: 'bad_records',
          next: 'mend the data and run the same command again; nothing was sent. --skip-bad leaves out records of which no request can be made, but never one of two with the same id',
          problems: first,
          count,
        },
      );
    },
  };
}
