install(TARGETS tempo)
