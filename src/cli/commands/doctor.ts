import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import type { Context, Io } from '../context.ts';
import { examine, PROBE } from '../examine.ts';
import { type Finding, worstOf } from '../finding.ts';
import { type Column, formatTable } from '../output.ts';
import type { Verdict } from '../report-error.ts';

interface DoctorFlags {
  readonly rebuild?: boolean;
  readonly live?: boolean;
  readonly offline?: boolean;
}

export function addDoctorCommand(program: Command, io: Io): void {
  program
    .command('doctor')
    .summary('check set-up and key')
    .description(
      'Check the workspace, the database, every file of its jobs, the key (where it was found, masked), the API and the ' +
        'clock. Changes nothing and leaves with the code of the worst finding.',
    )
    .option('--rebuild', 'make a lost or damaged database again from the files of the jobs; sends nothing')
    .option(
      '--live',
      'ask the API what recovery assumes of it, with two tiny batches; says the cost first and asks',
    )
    .option('--offline', 'with --rebuild: ask the account nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  $ batchctl doctor\n  $ batchctl doctor --rebuild\n  $ batchctl --yes doctor --live\n',
    )
    .action((flags: DoctorFlags, self: Command) => io.run(self, (context) => run(flags, context)));
}

async function run(flags: DoctorFlags, context: Context): Promise<Verdict> {
  if (flags.rebuild === true && flags.live === true) {
    throw new UsageError('--rebuild and --live cannot be used together', {
      code: 'wrong_usage',
      next: 'batchctl doctor --rebuild, then batchctl doctor --live',
    });
  }
  if (flags.live === true) return liveHere(context);
  if (flags.rebuild === true) return rebuildHere(context, flags.offline === true);
  if (flags.offline === true) {
    throw new UsageError('--offline cannot be used without --rebuild', {
      code: 'wrong_usage',
      next: 'batchctl doctor --rebuild --offline',
    });
  }
  return doctor(context);
}

async function rebuildHere(context: Context, offline: boolean): Promise<Verdict> {
  const { rebuild } = await import('../rebuild.ts');
  const { formatRebuild, jobsLeftOut, rebuildDocument } = await import('../print-rebuild.ts');
  const report = await rebuild(context, { offline });
  if (context.json) await context.output.json(rebuildDocument(report));
  else await context.output.line(formatRebuild(report));
  if (report.rebuilt.leftOut.length > 0) throw jobsLeftOut(report);
  return 'done';
}

async function liveHere(context: Context): Promise<Verdict> {
  const { askLive } = await import('../live.ts');
  const { formatLive, liveDocument } = await import('../print-live.ts');
  const report = await askLive(context, PROBE);
  if (context.json) await context.output.json(liveDocument(report));
  else await context.output.line(formatLive(report));
  return 'done';
}

async function doctor(context: Context): Promise<Verdict> {
  const findings = await examine(context);
  if (context.json) {
    await context.output.json({
      ok: findings.every((finding) => finding.level !== 'bad'),
      checks: findings.map(({ check, level, detail, next, error }) => ({
        check,
        level,
        detail,
        next,
        code: error?.code ?? null,
      })),
    });
  } else {
    await context.output.line(formatTable(COLUMNS, findings));
    const todo = findings.flatMap(({ check, next }) => (next === null ? [] : [`${check}: ${next}`]));
    if (todo.length > 0) await context.output.line(['', 'what to do:', ...new Set(todo)].join('\n'));
  }
  const worst = worstOf(findings);
  if (worst !== null) throw worst;
  return 'done';
}

const COLUMNS: readonly Column<Finding>[] = [
  { title: 'CHECK', value: ({ check }) => check },
  { title: '', value: ({ level }) => level },
  { title: 'FINDING', value: ({ detail }) => detail },
];
