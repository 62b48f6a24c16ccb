import { describeRows } from './describe-rows.ts';
import { createRows } from './rows/create.ts';

describeRows('create', createRows);
