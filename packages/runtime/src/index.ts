export { appendLines } from './appended-lines.ts'
export type { Need } from './config/checks.ts'
export { type Config, type ConfigSources, type ConfigWith, readConfig, secretsOf } from './config/config.ts'
export { dotenvLine } from './config/dotenv.ts'
export { jsonFault } from './config/json-fault.ts'
export { algorithmOf, inClear, oneOf, whole, yesNo } from './config/kinds.ts'
export type { Flags } from './config/layers.ts'
export { configurationPage } from './config/page.ts'
export { restated, type SettingName, withSettingNames } from './config/core-options.ts'
export { entries, flagOf, type Key, optionOf, type Settings, settingName } from './config/settings.ts'
export { type Shown, shownSettings } from './config/view.ts'
export type { ConfigOptions, SettingOptions, WebhookOptions } from './config/option-types.ts'
export { optionFault, type ReadOptions, readOptions } from './config/options.ts'
export type { AuditListener } from './audit-listener.ts'
export { connect, pins, type Reachable } from './connect.ts'
export { databasePath } from './database-path.ts'
export {
  accessTokenDocument,
  connectionDocument,
  guestDocument,
  guestViewDocument,
  revocationDocument,
  type ShownToken,
  tokenDocument,
} from './documents.ts'
export type { RuntimeHost } from './host.ts'
export { type EventObserver } from './observed-store.ts'
export { openMemoryStore, openSharedStore, type OpenStore } from './open-store.ts'
export { afterwards, openRuntime, type Runtime, type RuntimeOptions, runtimeOn, withRuntime } from './runtime.ts'
export { bytesOf, isUnfit, readFault, textFile } from './text-file.ts'
export { isOfStore, waitingForStore } from './unsaved.ts'
export { visible } from './visible.ts'
export { within } from './within.ts'
export type { NamedWorker, WorkedConnection, WorkerName, WorkingRuntime } from './workers/registry.ts'
export type { WorkerHealth } from './workers/running-worker.ts'
export { type RunningWorkers, startWorkers, type WorkersOptions, withWorkers } from './workers/start-workers.ts'
