/**
 * The methods that `webStorageStore` uses of a platform's `Storage` (HTML, Web storage), such as
 * `sessionStorage`.
 */
export interface WebStorage {
  /** The text of a key; null if there is none. */
  getItem(key: string): string | null
  /** Stores a text. */
  setItem(key: string, value: string): void
  /** Removes the text of a key. */
  removeItem(key: string): void
}
