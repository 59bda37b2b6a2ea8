import { testOutages } from './outage.ts';
import { MARIADB } from './scene.ts';

testOutages(MARIADB);
