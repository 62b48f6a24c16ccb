import type { Command } from 'commander';
import type { Context, Io } from '../context.ts';
import { examine, type Finding } from '../examine.ts';
import { type Column, formatTable } from '../output.ts';
import type { Verdict } from '../report-error.ts';

export function addDoctorCommand(program: Command, io: Io): void {
  program
    .command('doctor')
    .summary('check set-up and key')
    .description(
      'Check the workspace, the store, the key (where it was found, masked), the API and the clock. Changes nothing and ' +
        'leaves with the code of the worst finding.',
    )
    .addHelpText('after', '\nExample:\n  $ batchctl doctor\n')
    .action((_flags: object, self: Command) => io.run(self, doctor));
}

async function doctor(context: Context): Promise<Verdict> {
  const findings = await examine(context);
  if (context.json) {
    await context.output.json({
      ok: findings.every((finding) => finding.level !== 'bad'),
      checks: findings.map(({ check, level, detail }) => ({ check, level, detail })),
    });
  } else {
    await context.output.line(formatTable(COLUMNS, findings));
  }
  const worst = findings.find((finding) => finding.error !== null);
  if (worst?.error) throw worst.error;
  return 'done';
}

const COLUMNS: readonly Column<Finding>[] = [
  { title: 'CHECK', value: ({ check }) => check },
  { title: '', value: ({ level }) => level },
  { title: 'FINDING', value: ({ detail }) => detail },
];
