import { DecisionError } from '../core/errors.ts';
import { formatUsd, formatUsdOrUnknown } from '../core/money.ts';
import { formatShare, type PilotVerdict } from '../core/pilot.ts';
import { gateOf } from './first-shards.ts';
import { judgePilot } from './judge-pilot.ts';
import type { Run } from './run.ts';

/** Says whether the rest of a job goes, with its pilot in view. */
export type DecidePilot = (verdict: PilotVerdict) => Promise<boolean>;

/**
 * Whether what waited for the shards that go first may go now. A pilot that is settled is judged, and that is told: the rest
 * goes by itself when the success that was asked for is there and the budget is likely to do, else when `decide` says so.
 *
 * @throws DecisionError `pilot_undecided` when it says no, or is not there to be asked.
 */
export async function passGate(run: Run, decide: DecidePilot | null, signal: AbortSignal): Promise<boolean> {
  const { store, clock, report } = run.deps;
  const job = await store.jobById(run.job.id);
  if (job.cancelRequestedAt !== null) return false;
  const pilot = await store.pilotOf(job.id);
  const gate = gateOf(await store.shards(job.id), pilot);
  if (gate !== 'undecided' || pilot === null) return gate === 'open';
  const verdict = await judgePilot(job, run.deps, signal);
  report({ kind: 'pilot_judged', verdict });
  const goesOn = verdict.holds && !verdict.overBudget;
  if (!goesOn && !((await decide?.(verdict)) ?? false)) throw undecided(verdict, decide !== null);
  await store.setPilot(job.id, { ...pilot, approvedAt: clock.now().toISOString() });
  return true;
}

function undecided(verdict: PilotVerdict, isAsked: boolean): DecisionError {
  const { jobId, requests, good } = verdict;
  return new DecisionError(
    `the rest of job ${jobId} was not sent: ${good} of ${requests} of its pilot are good`,
    {
      code: 'pilot_undecided',
      why: isAsked ? 'it was not approved' : `nobody could be asked: ${whyAsked(verdict)}`,
      next:
        `batchctl --yes resume ${jobId} sends the rest; batchctl cancel ${jobId} ends it with the answers that are there, and after a ` +
        'change of the job file submit --changed keeps those whose requests stay as they are',
    },
  );
}

function whyAsked({ holds, minSuccess, successRate, overBudget, rest, cost }: PilotVerdict): string {
  if (overBudget) {
    return `${formatUsdOrUnknown(cost)} was spent, and with about ${rest === null ? 'an unknown price' : formatUsd(rest)} for the rest the budget is likely to be passed`;
  }
  if (minSuccess === null) return 'without --pilot-min-success somebody has to look at it';
  return holds
    ? ''
    : `${formatShare(successRate)} are fewer than the ${formatShare(minSuccess)} that were asked for`;
}
