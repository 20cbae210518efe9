// The plugins of this extension, each in a folder of its own.

import { session } from './session/plugin';
import { slicer } from './slicer/plugin';

export default [session, slicer];
