/**
 * The methods that `webStorageStore` uses of a platform's `Storage` (HTML, Web storage), such as
 * `sessionStorage`.
 */
export interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}
