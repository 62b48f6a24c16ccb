import { describeRows } from './describe-rows.ts';
import { processesRows } from './rows/processes.ts';

describeRows('two processes and the database file', processesRows);
