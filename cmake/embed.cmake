# Turns a word list (word TAB reason, '#' comments) into the rows of a C table, sorted by bytes:
#   cmake -DFROM=data/stopwords.txt -DTO=stopwords.inc -P embed.cmake
# Refuses a line of another shape and a repeated word, so that the table can be searched by halving.
file(STRINGS "${FROM}" lines REGEX "^[^#]" ENCODING UTF-8)
list(SORT lines COMPARE STRING)
set(rows "")
set(previous "")
foreach(line IN LISTS lines)
  if(NOT line MATCHES "^([^\t \"\\]+)\t([^\t\"\\]+)$")
    message(FATAL_ERROR "${FROM}: '${line}': expected a word, a tab and a reason")
  endif()
  if(CMAKE_MATCH_1 STREQUAL previous)
    message(FATAL_ERROR "${FROM}: '${CMAKE_MATCH_1}' stands there twice: keep one")
  endif()
  set(previous "${CMAKE_MATCH_1}")
  string(APPEND rows "{\"${CMAKE_MATCH_1}\", \"${CMAKE_MATCH_2}\"},\n")
endforeach()
file(WRITE "${TO}" "${rows}")
