export {
  backupDatabase,
  restoreDatabase,
  type ConnectionRestore,
  type RestoreResult,
  type StoreBackup,
} from './backup.ts'
export type { Need } from './config/checks.ts'
export {
  type Config,
  type ConfigSources,
  type ConfigWith,
  type Contradiction,
  readConfig,
  secretsOf,
} from './config/config.ts'
export { dotenvLine } from './config/dotenv.ts'
export { jsonFault } from './config/json-fault.ts'
export {
  algorithmOf,
  type ApiKey,
  type ApiKeyRole,
  apiKeyRoles,
  isPlainHttp,
  oneOf,
  whole,
  yesNo,
} from './config/kinds.ts'
export type { Files } from './config/files.ts'
export type { Flags, Layer, LayerFault, Origin, UnknownName, Variables, WrittenSetting } from './config/layers.ts'
export { configurationPage } from './config/page.ts'
export { commandFor, commandRemedy, explainedError, programRemedy, serviceRemedy } from './remedies.ts'
export { settingNamesIn, withMessage, type SettingName, withSettingNames } from './config/core-options.ts'
export {
  settingEntries,
  flagName,
  type Key,
  keyOfVariable,
  optionName,
  type Settings,
  settingName,
  type DefaultedKey,
  type SettingValue,
} from './config/settings.ts'
export type { Setting } from './config/setting-table.ts'
export { type ShownSetting, shownSettings } from './config/view.ts'
export type { ConfigOptions, OptionKey, OptionValue, SettingOptions, WebhookOptions } from './config/option-types.ts'
export { optionFault, type ParsedOptions, readOptions } from './config/options.ts'
export type { AuditListener, AuditListeners } from './audit-listener.ts'
export type { AuditRelays } from './audit-relays.ts'
export {
  type ApiKeyView,
  type CreatedApiKey,
  apiKeyGroup,
  idInApiKey,
  type StoredApiKey,
  storedApiKey,
} from './api-keys/api-key.ts'
export { type ApiKeyRequest, type ApiKeys, apiKeys, createUseRecorder, groupOwner } from './api-keys/api-keys.ts'
export { type ConfiguredKey, configuredKeys } from './api-keys/configured-keys.ts'
export { apiKeyDocument, configuredKeyDocument, createdApiKeyDocument } from './api-keys/documents.ts'
export { type Background, type BackgroundParts, createBackground, type Health } from './background.ts'
export { connect, pinnedClaims, type ReachableConfig } from './connect.ts'
export { databaseFile, databasePlace, pathFault } from './database-path.ts'
export { moveDatabase, type MoveRequest, type MoveResult } from './move.ts'
export {
  accessTokenDocument,
  connectionDocument,
  deadLetterDocument,
  endpointDocument,
  erasureDocument,
  guestDocument,
  guestViewDocument,
  personErasureDocument,
  revocationDocument,
  type ShownToken,
  tokenDocument,
  webhookTestDocument,
} from './documents.ts'
export { explanationDocument } from './explanation-document.ts'
export {
  type NamedSetting,
  type ExplanationNames,
  programNames,
  type NamedExplanation,
  namedExplanation,
} from './explanation-names.ts'
export { hasStore, missingStoreText, requireStore, withExistingStore } from './existing-store.ts'
export { finishConnection } from './finish-connection.ts'
export { type ListDocument, listDocument } from './list-document.ts'
export { followedRecords, isWanted, type LatestRecords, latestRecords, type RecordFilter } from './read-records.ts'
export { remainingFiles } from './remaining-files.ts'
export { DURATION_FORMATS, durationOption, SINCE_FORMATS, sinceOption } from './since.ts'
export type { RuntimeHost } from './runtime-host.ts'
export type { EventObserver, ObservedStore } from './observed-store.ts'
export { openMemoryStore, openSharedStore, type OpenStore, type StorePorts } from './open-store.ts'
export { warnOnFailure, openRuntime, type Runtime, type RuntimeOptions, runtimeOn, withRuntime } from './runtime.ts'
export { readAllBytes, isContentFault, fileReadFault, readTextFile } from './text-file.ts'
export { isStoreError, unsavedTokenHooks } from './unsaved-tokens.ts'
export { escapeForTerminal } from './escape-for-terminal.ts'
export { escapeHtml } from './escape-html.ts'
export { endsWithin } from './time-limit.ts'
export {
  type NamedWorker,
  type WorkedConnection,
  workedConnection,
  type WorkerName,
  type WorkingRuntime,
} from './workers/registry.ts'
export type { WorkerChange, WorkerHealth } from './workers/running-worker.ts'
export { type RunningWorkers, startWorkers, type WorkersOptions, withWorkers } from './workers/start-workers.ts'
