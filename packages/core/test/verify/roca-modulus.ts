/** The product of the primes up to 167, by which the faulty library of CVE-2017-15361 made its primes. */
export const PRIMES = [
  2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
  113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
].map(BigInt)
const PRODUCT = PRIMES.reduce((product, prime) => product * prime, 1n)

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, square] = [1n, base % modulus]
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

const encoded = (number: bigint): string => {
  const text = number.toString(16)
  return Buffer.from(text.padStart(text.length + (text.length % 2), '0'), 'hex').toString('base64url')
}

/** A number of so many bits, of the form of a vulnerable modulus: a power of 65537 by the product. */
export const rocaNumber = (bits: number, exponent = 123_456_789n): bigint => {
  const residue = power(65_537n, exponent, PRODUCT)
  return (2n ** BigInt(bits - 1) / PRODUCT + 1n) * PRODUCT + residue
}

export const rocaModulus = (bits: number): string => encoded(rocaNumber(bits))
