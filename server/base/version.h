/* version: the one place that holds Fairlead's version; the resource file reads it too. */
#ifndef FAIRLEAD_BASE_VERSION_H
#define FAIRLEAD_BASE_VERSION_H

#define FAIRLEAD_NAME "fairlead"
#define FAIRLEAD_VERSION "0.1.0"
#define FAIRLEAD_VERSION_NUMBERS 0, 1, 0, 0

#endif
