import { describeRows } from './describe-rows.ts';
import { pollRows } from './rows/poll.ts';

describeRows('poll', pollRows);
