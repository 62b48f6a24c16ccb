import { describeRows } from './describe-rows.ts';
import { resultsRows } from './rows/results.ts';

describeRows('results', resultsRows);
