import type { Command } from 'commander';
import { UsageError } from '../../core/errors.ts';
import { ensureStateDir } from '../../files/workspace.ts';
import type { Context, Io } from '../context.ts';
import { collect, parsePositive, parseWhole } from '../flags.ts';
import { checkFaults } from '../reach-emulator.ts';
import type { Verdict } from '../report-error.ts';

interface EmulatorFlags {
  readonly port?: number;
  readonly fault: readonly string[];
  readonly clockRate?: number;
  readonly batchSeconds?: number;
}

export function addEmulatorCommand(program: Command, io: Io): void {
  program
    .command('emulator')
    .summary('serve the emulator')
    .description(
      'Serve the built-in emulator of the Message Batches API on this machine until Ctrl-C. It prints its URL on stdout; ' +
        'its state stays in .batchctl/.',
    )
    .option('--port <n>', 'listen on this port instead of a free one', (text) => parseWhole(text, 1, 65_535))
    .option('--fault <spec>', 'switch a fault on: name[=value][@count]; may be repeated', collect, [])
    .option('--clock-rate <n>', 'let its clock run this many times faster', (text) =>
      parsePositive(text, 1_000_000),
    )
    .option('--batch-seconds <n>', 'how long a batch takes, on its clock', (text) =>
      parsePositive(text, 86_400),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ batchctl emulator --port 8787 --fault list-lag=5\n  $ BATCHCTL_EMULATOR_URL=http://127.0.0.1:8787 batchctl submit --use-batch --emulator\n',
    )
    .action((flags: EmulatorFlags, self: Command) => io.run(self, (context) => serve(flags, context)));
}

async function serve(flags: EmulatorFlags, context: Context): Promise<Verdict> {
  await checkFaults(flags.fault);
  const { startEmulator } = await import('../../emulator/server.ts');
  const emulator = await startEmulator({
    stateDir: ensureStateDir(context.wire.root),
    faults: flags.fault,
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.clockRate === undefined ? {} : { clockRate: flags.clockRate }),
    ...(flags.batchSeconds === undefined ? {} : { batchSeconds: flags.batchSeconds }),
  }).catch((error: unknown) => {
    throw isPortTaken(error) ? portTaken(flags.port, error) : error;
  });
  if (context.json) await context.output.json({ url: emulator.url, account_id: emulator.accountId });
  else await context.output.line(emulator.url);
  context.talk.say('serving until Ctrl-C');
  await new Promise<void>((resolve) => {
    if (context.signal.aborted) resolve();
    else context.signal.addEventListener('abort', () => resolve());
  });
  await emulator.close();
  return 'done';
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && 'syscall' in error && error.syscall === 'listen';
}

function portTaken(port: number | undefined, cause: unknown): UsageError {
  return new UsageError(`port ${port ?? 'of its own choice'} cannot be used`, {
    code: 'port_taken',
    why: cause instanceof Error ? cause.message : String(cause),
    next: 'give another --port, or none for a free one',
    cause,
  });
}
