import { Command, Help, type Option } from 'commander';
import type { Io } from './context.ts';

/**
 * The command tree. Its help is where docs/cli.md comes from. With `args` only the commands whose names stand in them are
 * loaded, where there is one: to load all takes longer than `list` does.
 */
export async function buildProgram(io: Io, version: string, args: readonly string[] = []): Promise<Command> {
  const program = new Command('batchctl')
    .description(
      'Runs jobs on the Message Batches API: requests built from local data, submitted once, carried on after a crash, ' +
        'one result per request.',
    )
    .version(version, '-V, --version', 'print the version')
    .option('-C, --workspace <dir>', 'work as if started in this folder, and take it as the workspace')
    .option('--json', 'print one JSON document on stdout, and errors as JSON on stderr')
    .option('-q, --quiet', 'print nothing on stderr but warnings and errors')
    .option('-v, --verbose', 'say more on stderr')
    .option('--no-color', 'no colours (NO_COLOR and TERM=dumb do the same)')
    .option('--emulator', 'send new jobs to the built-in emulator: no key, no cost')
    .option('--yes', 'answer every question with yes')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp({ showGlobalOptions: true, optionDescription: describeOption })
    // Errors are reported in one place, so what is left for stderr is the help that is shown without a command.
    .configureOutput({ outputError: () => undefined, writeErr: (text) => process.stdout.write(text) })
    .allowExcessArguments(false)
    .exitOverride();

  for (const load of commandsFor(args)) (await load())(program, io);
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** A flag that may be repeated begins with an empty list, which tells a reader nothing. */
function describeOption(option: Option): string {
  const isEmptyList = Array.isArray(option.defaultValue) && option.defaultValue.length === 0;
  return isEmptyList ? option.description : new Help().optionDescription(option);
}

type AddCommand = (program: Command, io: Io) => void;

/** In the order in which a job meets them. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./commands/init.ts')).addInitCommand,
  plan: async () => (await import('./commands/plan.ts')).addPlanCommand,
  build: async () => (await import('./commands/build.ts')).addBuildCommand,
  submit: async () => (await import('./commands/submit.ts')).addSubmitCommand,
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  watch: async () => (await import('./commands/watch.ts')).addWatchCommand,
  list: async () => (await import('./commands/list.ts')).addListCommand,
  retrieve: async () => (await import('./commands/retrieve.ts')).addRetrieveCommand,
  resume: async () => (await import('./commands/resume.ts')).addResumeCommand,
  retry: async () => (await import('./commands/retry.ts')).addRetryCommand,
  cancel: async () => (await import('./commands/cancel.ts')).addCancelCommand,
  show: async () => (await import('./commands/show.ts')).addShowCommand,
  cost: async () => (await import('./commands/cost.ts')).addCostCommand,
  export: async () => (await import('./commands/export.ts')).addExportCommand,
  verify: async () => (await import('./commands/verify.ts')).addVerifyCommand,
  emulator: async () => (await import('./commands/emulator.ts')).addEmulatorCommand,
  prune: async () => (await import('./commands/prune.ts')).addPruneCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
};

/** A name among the arguments may also be a value, so every one that could be the command is loaded. */
function commandsFor(args: readonly string[]): readonly (() => Promise<AddCommand>)[] {
  const named = Object.entries(COMMANDS).filter(([name]) => args.includes(name));
  return named.length === 0 || args.includes('help')
    ? Object.values(COMMANDS)
    : named.map(([, load]) => load);
}

const EXAMPLES = `
Examples:
  $ batchctl init reviews && cd reviews
  $ batchctl submit --use-batch        build, submit, wait, write the results
  $ batchctl list                      what is pending
  $ batchctl retrieve latest           after an overnight run
  $ batchctl resume                    carry on whatever was cut off

An <id> is a job id, a batch id, "latest", a job's name (its newest job) or a unique prefix.`;
