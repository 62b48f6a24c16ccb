import { describeRows } from './describe-rows.ts';
import { intentRows } from './rows/intent.ts';

describeRows('intent and record', intentRows);
