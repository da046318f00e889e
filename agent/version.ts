/** As in package.json; a test holds them together, so that the bundle need not read a file to know it. */
export const version = '0.1.0';
