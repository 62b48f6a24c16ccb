import { describeRows } from './describe-rows.ts';
import { retryRows } from './rows/retry.ts';

describeRows('retry and cancel', retryRows);
