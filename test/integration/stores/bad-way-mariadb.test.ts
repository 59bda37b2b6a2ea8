import { testBadWays } from './bad-way.ts';
import { MARIADB } from './scene.ts';

testBadWays(MARIADB);
