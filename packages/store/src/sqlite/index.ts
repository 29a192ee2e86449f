export { type FileKeyRing, fileKeyRing } from '../seal/key-file.ts'
export type { KeyRing, WrappedKey } from '../seal/key-ring.ts'
export { localKeyRing } from '../seal/local-key-ring.ts'
export { sqliteStore, type SqliteStoreOptions } from './open.ts'
